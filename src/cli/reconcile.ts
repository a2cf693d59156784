import type { Command } from 'commander';
import type { AccountReport } from '../stripe/checks/reconcile.ts';
import { resolveDrift, type Drift } from '../stripe/drift.ts';
import { reissueInvoice } from '../stripe/issue/reissue-invoice.ts';
import { resumeInvoice } from '../stripe/issue/resume-invoice.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import { formatCents } from '../values/money.ts';
import type { Services } from './context.ts';
import { EXIT_DIFFERENT } from './exit-code.ts';
import { printJson, tableOf, type Output } from './output.ts';
import { requireInvoiceById } from './bills/require-invoice.ts';

type ReconcileOptions = { readonly account?: string; readonly json?: true };

/** Adds `reconcile`, and what an operator does about its findings: `resolve`, `resume` and `reissue`. */
export function addReconcileCommands(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock }: { readonly output: Output; readonly clock: Clock },
): void {
  program
    .command('reconcile')
    .description(
      'compare what was metered, billed, booked and collected at Stripe; changes nothing there',
    )
    .option('--account <account>', 'only this account, however far back')
    .option('--json', 'print JSON')
    .action(
      async (options: ReconcileOptions) =>
        await run(({ reconcile }) => reconcileCommand({ reconcile, output }, options)),
    );
  program
    .command('resolve <account> <difference>')
    .description('note that a difference found by reconcile was dealt with')
    .requiredOption('--reason <text>', 'what was done about it')
    .action(
      async (account: string, difference: string, { reason }: { readonly reason: string }) =>
        await run(({ db }) =>
          resolveCommand({ db, output, now: clock() }, account, difference, reason),
        ),
    );
  program
    .command('resume <invoice>')
    .description('let an invoice go on that waits for an operator, once what stopped it is mended')
    .action(
      async (invoice: string) =>
        await run(({ db }) => resumeCommand({ db, output, clock }, invoice)),
    );
  program
    .command('reissue <invoice>')
    .description(
      'ask again for what a voided invoice asked for, by another one with the same lines',
    )
    .action(
      async (invoice: string) =>
        await run(({ db }) => reissueCommand({ db, output, clock }, invoice)),
    );
}

/** `gigameter reconcile [--account ACCOUNT]`: exit code 8 when anything differs. */
async function reconcileCommand(
  { reconcile, output }: Pick<Services, 'reconcile'> & { readonly output: Output },
  { account, json }: ReconcileOptions,
): Promise<number> {
  const { invoices, accounts } = await reconcile(account);
  if (json) printJson(output, { invoices, accounts: accounts.map(accountToJson) });
  else output.data(reportToText(invoices, accounts));
  return accounts.length === 0 ? 0 : EXIT_DIFFERENT;
}

function accountToJson({ accountId, cents, drift }: AccountReport) {
  return {
    account: accountId === '' ? null : accountId,
    cents: Number(cents),
    differences: drift.map(({ driftId, kind, cents: each, details }) => ({
      difference: driftId,
      kind,
      cents: Number(each),
      details,
    })),
  };
}

function reportToText(invoices: number, accounts: readonly AccountReport[]): string {
  const compared = `${invoices} invoices compared at Stripe`;
  if (accounts.length === 0) return `${compared}: no differences.`;
  const rows = accounts.flatMap(({ accountId, cents, drift }) => [
    ...drift.map((each, index) => [
      index === 0 ? accountId : '',
      each.driftId,
      formatCents(each.cents),
      detailsToText(each),
    ]),
    ['', 'in all', formatCents(cents), ''],
  ]);
  const table = tableOf(
    [
      { title: 'account' },
      { title: 'difference' },
      { title: 'theirs less ours', align: 'right' },
      { title: 'details' },
    ],
    rows,
  );
  return `${table}\n\n${compared}: ${accounts.length} accounts differ.`;
}

function detailsToText({ details }: Drift): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${value ?? 'none'}`)
    .join(', ');
}

/** `gigameter resolve ACCOUNT DIFFERENCE --reason TEXT`; an account of '' where none is known. */
async function resolveCommand(
  { db, output, now }: Pick<Services, 'db'> & { readonly output: Output; readonly now: Date },
  accountId: string,
  driftId: string,
  reason: string,
): Promise<number> {
  if (!(await resolveDrift(db, now, { accountId, driftId }, reason))) {
    const message = `account ${accountId} has no open difference ${driftId}`;
    throw new Fault('not_found', 'difference_unknown', message);
  }
  output.data(`${driftId} of ${accountId} is resolved: ${reason}`);
  return 0;
}

/** `gigameter resume INVOICE` */
async function resumeCommand(
  { db, output, clock }: Pick<Services, 'db'> & { readonly output: Output; readonly clock: Clock },
  invoiceId: string,
): Promise<number> {
  const { accountId } = await requireInvoiceById(db, invoiceId);
  await resumeInvoice({ db, clock }, { accountId, invoiceId });
  output.data(`${invoiceId} goes on as soon as a running service looks for work.`);
  return 0;
}

/** `gigameter reissue INVOICE` */
async function reissueCommand(
  { db, output, clock }: Pick<Services, 'db'> & { readonly output: Output; readonly clock: Clock },
  invoiceId: string,
): Promise<number> {
  const { accountId } = await requireInvoiceById(db, invoiceId, { isVoidToo: true });
  const successor = await reissueInvoice({ db, clock }, { accountId, invoiceId });
  output.data(`${successor.invoiceId} asks for it as soon as a running service looks for work.`);
  return 0;
}
