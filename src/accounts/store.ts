import { sql, type RawBuilder, type Selectable } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { Account as AccountTable } from '../database/tables.ts';
import { boundary } from '../values/period.ts';
import type { Second } from '../values/instant.ts';
import type { Account } from './account.ts';

export async function findAccount(db: Db, accountId: string): Promise<Account | undefined> {
  return (await findAccounts(db, [accountId])).get(accountId);
}

/** The accounts that exist among those asked for. */
export async function findAccounts(
  db: Db,
  accountIds: readonly string[],
): Promise<Map<string, Account>> {
  if (accountIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('account')
    .selectAll()
    .where('account_id', '=', sql<string>`any(${accountIds})`)
    .execute();
  return new Map(rows.map((row) => [row.account_id, toAccount(row)]));
}

export type NewAccount = {
  readonly id: string;
  readonly email: string;
  readonly signedUpAt: Second;
};

/** Creates accounts in the FREE tier, none of which exists. The first period of each is due in a month. */
export async function insertAccounts(tx: Db, accounts: readonly NewAccount[]): Promise<void> {
  if (accounts.length === 0) return;
  await sql`
    insert into account (account_id, email, signed_up_at, next_close_at, last_cut_at)
    select account_id, email, signed_up_at, next_close_at, signed_up_at from unnest(
      ${textArray(accounts.map(({ id }) => id))}::text[],
      ${textArray(accounts.map(({ email }) => email))}::text[],
      ${numberArray(accounts.map(({ signedUpAt }) => signedUpAt))}::bigint[],
      ${numberArray(accounts.map(({ signedUpAt }) => boundary(signedUpAt, 1)))}::bigint[]
    ) as created (account_id, email, signed_up_at, next_close_at)
    order by account_id`.execute(tx);
}

/** When something became true of an account. */
export type Noted = { readonly account: string; readonly at: Second };

/**
 * Notes when something became true of accounts. The earliest report counts, so that repeated and reordered
 * reports end the same. An instant in closed periods makes these late. Answers those that moved.
 */
export async function noteEarliest(
  db: Db,
  column: 'confirmed_at' | 'upgraded_at' | 'deleted_at',
  reports: readonly Noted[],
): Promise<readonly Noted[]> {
  if (reports.length === 0) return [];
  const before = sql.ref(`account.${column}`);
  const { rows } = await sql<Noted>`
    update account set ${sql.ref(column)} = earliest.at,
      late_since = case when last_cut_at > earliest.at then least(late_since, earliest.at)
        else late_since end
    from (select account_id, min(at) as at from ${reported(reports)} group by account_id) earliest
    where account.account_id = earliest.account_id
      and (${before} is null or ${before} > earliest.at)
    returning account.account_id as account, earliest.at`.execute(db);
  return rows;
}

function reported(reports: readonly Noted[]): RawBuilder<unknown> {
  return sql`unnest(
    ${textArray(reports.map(({ account }) => account))}::text[],
    ${numberArray(reports.map(({ at }) => at))}::bigint[]) as reported (account_id, at)`;
}

/** Where the closed periods of `account`, the table, end: where it signed up while there is none. */
export function closedTo(): RawBuilder<Second> {
  return sql`coalesce((select max(end_at) from billing_period
    where billing_period.account_id = account.account_id), account.signed_up_at)`;
}

/**
 * Ends the periods of accounts at their deletion: the last one is cut short and due at once (R56). Nothing is left
 * to close of one that was deleted where its closed periods end, or before; what their invoices were too small to
 * charge is then settled like corrections are.
 */
export async function endPeriods(db: Db, deletions: readonly Noted[]): Promise<void> {
  if (deletions.length === 0) return;
  await sql`
    update account set
      next_close_at = case when closed.deleted_at > closed.until then closed.deleted_at end,
      late_since = case when closed.deleted_at <= closed.until and closed.carried > 0
        then least(late_since, closed.deleted_at) else late_since end
    from (
      select account.account_id, reported.at as deleted_at, ${closedTo()} as until, (
        select sum(amount_cents) from ledger_entry
        where ledger_entry.account_id = account.account_id and book = 'carried') as carried
      from account join ${reported(deletions)} on reported.account_id = account.account_id
    ) closed
    where closed.account_id = account.account_id and next_close_at > closed.deleted_at`.execute(db);
}

export type AccountRow = Pick<
  Selectable<AccountTable>,
  'account_id' | 'email' | 'signed_up_at' | 'confirmed_at' | 'upgraded_at' | 'deleted_at'
>;

export function toAccount(row: AccountRow): Account {
  return {
    id: row.account_id,
    email: row.email,
    signedUpAt: row.signed_up_at,
    confirmedAt: row.confirmed_at ?? undefined,
    upgradedAt: row.upgraded_at ?? undefined,
    deletedAt: row.deleted_at ?? undefined,
  };
}

/**
 * Takes an instant back after a report of it was superseded: the earliest report that still counts holds, or
 * none. What was closed since either instant may have changed.
 */
export async function forgetInstant(
  db: Db,
  accountId: string,
  column: 'confirmed_at' | 'upgraded_at',
  type: string,
): Promise<void> {
  const was = sql.ref<bigint | null>(`account.${column}`);
  await sql`
    update account set ${sql.ref(column)} = earliest.at,
      late_since = case when least(${was}, earliest.at) < last_cut_at
        then least(late_since, ${was}, earliest.at) else late_since end
    from (
      select min(at) as at from standing_event
      where account_id = ${accountId} and type = ${type}
    ) earliest
    where account_id = ${accountId}`.execute(db);
}
