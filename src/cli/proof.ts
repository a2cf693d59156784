import type { Command } from 'commander';
import { requireAccount } from '../accounts/require-account.ts';
import { archivedReader } from '../archive/files/read-archived.ts';
import { pageAccounts } from '../accounts/page-accounts.ts';
import type { Db } from '../database/pool.ts';
import { rebuildSeries, type Drift } from '../metering/series/rebuild-series.ts';
import { writeBundle } from '../proof/bundle.ts';
import type { ReadArchived } from '../proof/facts.ts';
import { isProven, verifyAccount, type Verification } from '../proof/verify-account.ts';
import type { Services } from './context.ts';
import { EXIT_DIFFERENT } from './exit-code.ts';
import { explainCommand } from './bills/explain.ts';
import { printJson, type Output } from './output.ts';
import { requireInvoiceById } from './bills/require-invoice.ts';
import { traceCommand } from './events/trace.ts';

type Context = { readonly db: Db; readonly output: Output };
type JsonOption = { readonly json?: true };
type ArchiveOption = { readonly archive?: string };

/** Adds `explain`, `trace`, `verify`, `bundle` and `rebuild`. */
export function addProofCommands(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output }: { readonly output: Output },
): void {
  program
    .command('explain <invoice> [line]')
    .description('what each line adds up from: segments, seconds, cents, events')
    .option('--json', 'print JSON')
    .action(
      async (invoice: string, line: string | undefined, options: JsonOption) =>
        await run(({ db }) => explainCommand({ db, output }, invoice, line, options)),
    );
  program
    .command('trace <account> <source> <id>')
    .description('what became of an event, and which invoice counted it')
    .option('--json', 'print JSON')
    .action(
      async (account: string, source: string, id: string, options: JsonOption) =>
        await run(({ db }) => traceCommand({ db, output }, { account, source, id }, options)),
    );
  program
    .command('verify [account]')
    .description('recompute invoices from raw facts and check that no fact was changed')
    .option('--archive <directory>', 'where archived events are; else what needs them is left out')
    .option('--json', 'print JSON')
    .action(
      async (account: string | undefined, options: JsonOption & ArchiveOption) =>
        await run(({ db }) => verifyCommand({ db, output }, account, options)),
    );
  program
    .command('bundle <invoice>')
    .description('everything an invoice rests on, as lines of JSON for tools/verify-bundle.mjs')
    .option('--archive <directory>', 'where archived events are')
    .action(
      async (invoice: string, options: ArchiveOption) =>
        await run(({ db }) => bundleCommand({ db, output }, invoice, options)),
    );
  program
    .command('rebuild [account]')
    .description('recompute everything derived from facts, and tell what was different')
    .option('--dry-run', 'only compare')
    .option('--json', 'print JSON')
    .action(
      async (account: string | undefined, options: JsonOption & { readonly dryRun?: true }) =>
        await run(({ db }) => rebuildCommand({ db, output }, account, options)),
    );
}

/** `gigameter verify [ACCOUNT]`: exit code 8 when anything is not proven. */
export async function verifyCommand(
  { db, output }: Context,
  accountId: string | undefined,
  options: JsonOption & ArchiveOption,
): Promise<number> {
  const found: Verification[] = [];
  const totals = { accounts: 0, events: 0n, invoices: 0, archivedInvoices: 0 };
  const readArchived = await readerOf(db, options);
  for await (const [id] of chunksOfAccounts(db, accountId, 1)) {
    const verification = await verifyAccount(db, id!, readArchived);
    totals.accounts += 1;
    totals.events += verification.sealedEvents;
    totals.invoices += verification.invoices;
    totals.archivedInvoices += verification.archivedInvoices;
    if (!isProven(verification)) found.push(verification);
    if (totals.accounts % 100 === 0) output.note(`${totals.accounts} accounts verified so far`);
  }
  const archived =
    totals.archivedInvoices === 0
      ? ''
      : `; facts of ${totals.archivedInvoices} invoices are archived: --archive reads them`;
  const sums = `${totals.accounts} accounts, ${totals.events} sealed events, ${totals.invoices} invoices${archived}`;
  if (options.json) {
    printJson(output, {
      accounts: totals.accounts,
      sealed_events: totals.events.toString(),
      invoices: totals.invoices,
      facts_archived: totals.archivedInvoices,
      not_proven: found.map(verificationToJson),
    });
  } else {
    const problems = found.flatMap(problemsOf);
    output.data(
      [...problems, problems.length === 0 ? `proven: ${sums}` : `NOT PROVEN: ${sums}`].join('\n'),
    );
  }
  return found.length === 0 ? 0 : EXIT_DIFFERENT;
}

/** `gigameter bundle INVOICE` */
export async function bundleCommand(
  { db, output }: Context,
  invoiceId: string,
  options: ArchiveOption,
): Promise<number> {
  const { accountId } = await requireInvoiceById(db, invoiceId);
  const readArchived = await readerOf(db, options);
  const write = (lines: readonly string[]): void => {
    if (lines.length > 0) output.data(lines.join('\n'));
  };
  await writeBundle(db, accountId, invoiceId, write, readArchived);
  return 0;
}

async function readerOf(db: Db, { archive }: ArchiveOption): Promise<ReadArchived | undefined> {
  return archive === undefined ? undefined : await archivedReader(db, archive);
}

const ACCOUNTS_PER_TRANSACTION = 50;
/** Of what was different, so much is kept for the one document of `--json`; as text all of it is printed. */
const MOST_IN_JSON = 1000;

/**
 * `gigameter rebuild [ACCOUNT]`: exit code 8 when anything was different. Needs memory for some accounts'
 * differences, however many there are in all.
 */
export async function rebuildCommand(
  { db, output }: Context,
  accountId: string | undefined,
  options: JsonOption & { readonly dryRun?: true },
): Promise<number> {
  const kept: Drift[] = [];
  const total = { accounts: 0, differences: 0 };
  for await (const ids of chunksOfAccounts(db, accountId, ACCOUNTS_PER_TRANSACTION)) {
    const drifts = await rebuildSeries(db, ids, options.dryRun === true);
    total.accounts += ids.length;
    total.differences += drifts.length;
    output.note(`${total.accounts} accounts ${options.dryRun ? 'compared' : 'rebuilt'} so far`);
    if (options.json) kept.push(...drifts.slice(0, MOST_IN_JSON - kept.length));
    else if (drifts.length > 0) output.data(drifts.map(driftToText).join('\n'));
  }
  if (options.json) printJson(output, { ...total, drifts: kept });
  else output.data(`${total.accounts} accounts, ${total.differences} differences`);
  return total.differences === 0 ? 0 : EXIT_DIFFERENT;
}

function driftToText({ account, what, was, is }: Drift): string {
  return `${account}: ${what} was ${was}, is ${is}`;
}

/** The account asked for, or all of them page by page. */
async function* chunksOfAccounts(
  db: Db,
  accountId: string | undefined,
  size: number,
): AsyncGenerator<string[]> {
  if (accountId !== undefined) {
    yield [(await requireAccount(db, accountId)).id];
    return;
  }
  let after: string | undefined;
  for (;;) {
    const page = await pageAccounts(db, { after, limit: size });
    if (page.length === 0) return;
    yield page.map(({ id }) => id);
    after = page.at(-1)!.id;
  }
}

function problemsOf({ account, breaks, discrepancies }: Verification): string[] {
  return [
    ...breaks.map(({ kind, event, position }) => {
      const name = event === undefined ? 'the last one' : `${event.source} ${event.id}`;
      return `${account}: event ${position} of the chain is ${kind}, at ${name}`;
    }),
    ...discrepancies.map(
      ({ invoiceId, what, frozen, recomputed }) =>
        `${account}: ${invoiceId} ${what}: ${frozen}; by the facts ${recomputed}`,
    ),
  ];
}

function verificationToJson({ account, breaks, discrepancies }: Verification) {
  return {
    account,
    breaks: breaks.map(({ kind, event, position }) => ({
      kind,
      event: event ?? null,
      position: position.toString(),
    })),
    discrepancies: discrepancies.map(({ invoiceId, ...rest }) => ({
      invoice_id: invoiceId,
      ...rest,
    })),
  };
}
