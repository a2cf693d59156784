import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { unknownAccount } from '../accounts/require-account.ts';
import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';
import type { Cents } from '../values/money.ts';
import { planMoneyBack, type MoneyBackCase, type MoneyBackPlan } from './money-back.ts';
import { addEntries, balancesOf } from './store.ts';

/** An operator's decision; `moneyBackId` makes repeating it harmless. */
export type MoneyBackRequest = {
  readonly accountId: string;
  readonly moneyBackId: string;
  readonly amountCents: Cents;
  readonly actor: string;
  readonly reason: string;
};

/** What the running period and those not closed yet cost so far. */
export type NotYetInvoiced = (tx: Db, accountId: string) => Promise<Cents>;

/**
 * Decides and books a money-back under a lock of the account, so that neither requests at the same moment
 * nor a close can together exceed a limit (R41). The refunds are only planned here. Repeating one changes nothing.
 *
 * @throws Fault `conflict` with the reason when it is refused, or when the id was used for another amount.
 */
export async function bookMoneyBack(
  db: Db,
  now: Date,
  request: MoneyBackRequest,
  notYetInvoiced: NotYetInvoiced,
): Promise<'booked' | 'known'> {
  return await db.transaction().execute(async (tx) => {
    await lockAccounts(tx, [request.accountId]);
    const account = await tx
      .selectFrom('account')
      .select('upgraded_at')
      .where('account_id', '=', request.accountId)
      .forUpdate()
      .executeTakeFirst();
    if (account === undefined) throw unknownAccount(request.accountId);
    if (await isKnown(tx, request)) return 'known';
    const owedCents = await notYetInvoiced(tx, request.accountId);
    const plan = planMoneyBack(await loadCase(tx, now, request, account.upgraded_at, owedCents));
    if ('code' in plan) throw new Fault('conflict', plan.code, plan.message);
    await insertPlan(tx, now, request, plan);
    return 'booked';
  });
}

async function isKnown(tx: Db, request: MoneyBackRequest): Promise<boolean> {
  const known = await tx
    .selectFrom('money_back')
    .select('amount_cents')
    .where('account_id', '=', request.accountId)
    .where('money_back_id', '=', request.moneyBackId)
    .executeTakeFirst();
  if (known === undefined) return false;
  if (known.amount_cents === request.amountCents) return true;
  throw new Fault(
    'conflict',
    'id_reused',
    `${request.moneyBackId} was used for ${known.amount_cents} cents before`,
  );
}

async function loadCase(
  tx: Db,
  now: Date,
  { accountId, amountCents }: MoneyBackRequest,
  upgradedAt: bigint | null,
  owedCents: Cents,
): Promise<MoneyBackCase> {
  const { rows: given } = await sql<{ cents: bigint }>`
    select (coalesce((select sum(amount_cents) from money_back where account_id = ${accountId}), 0)
      - coalesce((select sum(amount_cents) from refund where account_id = ${accountId}
          and money_back_id is not null and state = 'failed'), 0))::bigint as cents`.execute(tx);
  const { credit } = (await balancesOf(tx, [accountId])).get(accountId)!;
  return {
    amountCents,
    now,
    upgradedAt: upgradedAt ?? undefined,
    givenCents: given[0]!.cents,
    payments: await findPayments(tx, accountId),
    notYetInvoicedCents: owedCents - credit,
  };
}

/** Disputed payments are left out: the bank has that money, and Stripe refunds none of it. */
async function findPayments(tx: Db, accountId: string): Promise<MoneyBackCase['payments']> {
  const { rows } = await sql<{ invoice_id: string; cents: bigint }>`
    select i.invoice_id, (p.amount_cents - coalesce((select sum(r.amount_cents) from refund r
        where r.account_id = i.account_id and r.invoice_id = i.invoice_id and r.state <> 'failed'), 0)
      )::bigint as cents
    from invoice i join ledger_entry p
      on p.account_id = i.account_id and p.entry_id = 'payment:' || i.invoice_id
    where i.account_id = ${accountId} and not exists (select from dispute d
      where d.account_id = i.account_id and d.invoice_id = i.invoice_id and d.status not in ('won', 'warning_closed'))
    order by i.period_start, i.revision`.execute(tx);
  return rows.map((row) => ({ invoiceId: row.invoice_id, leftCents: row.cents }));
}

async function insertPlan(
  tx: Db,
  now: Date,
  request: MoneyBackRequest,
  { refunds, creditCents }: MoneyBackPlan,
): Promise<void> {
  const { accountId, moneyBackId, amountCents, actor, reason } = request;
  await tx
    .insertInto('money_back')
    .values({
      account_id: accountId,
      money_back_id: moneyBackId,
      amount_cents: amountCents,
      credit_cents: creditCents,
      actor,
      reason,
      requested_at: now,
    })
    .execute();
  if (refunds.length > 0) {
    await tx
      .insertInto('refund')
      .values(
        refunds.map((refund) => ({
          account_id: accountId,
          refund_id: refundIdOf(accountId, moneyBackId, refund.invoiceId),
          money_back_id: moneyBackId,
          invoice_id: refund.invoiceId,
          amount_cents: refund.amountCents,
          state: 'planned',
          created_at: now,
        })),
      )
      .execute();
  }
  if (creditCents === 0n) return;
  await addEntries(tx, now, [
    {
      accountId,
      entryId: `money_back:${moneyBackId}`,
      book: 'credit',
      kind: 'credit_granted',
      amountCents: creditCents,
      actor,
      reason,
    },
  ]);
}

function refundIdOf(accountId: string, moneyBackId: string, invoiceId: string): string {
  const digest = createHash('sha256').update(`${accountId}/${moneyBackId}/${invoiceId}`);
  return `ref_${digest.digest('hex').slice(0, 24)}`;
}
