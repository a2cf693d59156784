import { sql } from 'kysely';
import type { Account } from '../../accounts/account.ts';
import { lockAccounts } from '../../accounts/lock.ts';
import { toAccount } from '../../accounts/store.ts';
import type { Db } from '../../database/pool.ts';
import { fitJobBounds } from '../../metering/series/bounds.ts';
import { cutSeries } from '../../metering/series/checkpoints.ts';
import type { PriceBooksOf } from '../../pricing/account-price.ts';
import { readPrices } from '../../pricing/store.ts';
import { groupBy } from '../../values/group.ts';
import { earlier, toSecond, type Second } from '../../values/instant.ts';
import { periodsUntil } from '../../values/period.ts';
import { horizonOf } from './horizon.ts';
import { moveBases, noteSettled, settleJobs, type Horizon } from './settle-store.ts';

const ACCOUNTS_AT_ONCE = 200;

/**
 * Settles what no bill can depend on any more, account by account: what each series comes to before its last
 * event before the account's horizon becomes a fact of its own (`series_base`), so that the events of that time
 * may leave. What is reported of it later is recorded, and counts nowhere. Where prices changed in that time the
 * integrals are kept, so that it can be priced for ever. Answers the first instant that is not settled of each
 * account that may still be billed, page by page. Safe to repeat; each page is one transaction.
 */
export async function* settleAccounts(db: Db, now: Date): AsyncGenerator<readonly Horizon[]> {
  let after: string | undefined;
  for (;;) {
    const page = await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => await settlePage(tx, toSecond(now), after));
    if (page.last === undefined) return;
    yield page.horizons;
    after = page.last;
  }
}

async function settlePage(
  tx: Db,
  now: Second,
  after: string | undefined,
): Promise<{ readonly last: string | undefined; readonly horizons: readonly Horizon[] }> {
  const { rows: ids } = await sql<{ account_id: string }>`
    select account_id from account where ${after ?? null}::text is null or account_id > ${after ?? null}
    order by account_id limit ${ACCOUNTS_AT_ONCE}`.execute(tx);
  const accountIds = ids.map((row) => row.account_id);
  if (accountIds.length === 0) return { last: undefined, horizons: [] };
  await lockAccounts(tx, accountIds);
  const rows = await tx
    .selectFrom('account')
    .selectAll()
    .where('account_id', '=', sql<string>`any(${accountIds})`)
    .execute();
  const priceBooks = await readPrices(tx, accountIds);
  const all = rows.map((row) => {
    const closeAt = row.next_close_at ?? undefined;
    const accountId = row.account_id;
    const account = toAccount(row);
    const at = horizonOf(account, { closeAt, now }, priceBooks(accountId));
    return { accountId, account, at, settledAt: row.settled_at ?? row.signed_up_at, closeAt };
  });
  const moved = all.filter(({ at, settledAt }) => at > settledAt);
  if (moved.length > 0) {
    await cutPriced(tx, priceBooks, moved);
    await moveBases(tx, moved);
    await settleJobs(tx, moved);
    await fitJobBounds(
      tx,
      moved.map(({ accountId }) => accountId),
    );
    await noteSettled(tx, moved);
  }
  return { last: accountIds.at(-1), horizons: all.filter(({ closeAt }) => closeAt !== undefined) };
}

/**
 * Keeps the integrals at all instants where what is settled may be priced: the ends of periods, which series that
 * were reported late lack, and where prices changed. Nothing is priced after an account was deleted.
 */
async function cutPriced(
  tx: Db,
  priceBooks: PriceBooksOf,
  moved: readonly (Horizon & { readonly account: Account })[],
): Promise<void> {
  const cuts = moved.flatMap(({ accountId, at: horizon, account }) => {
    const { signedUpAt, upgradedAt, deletedAt } = account;
    const last = deletedAt === undefined ? horizon : earlier(horizon, deletedAt);
    return [
      ...periodsUntil(signedUpAt, last).map(({ start }) => start),
      ...priceBooks(accountId).map(({ effectiveAt }) => effectiveAt),
      ...[upgradedAt, deletedAt].filter((at) => at !== undefined),
    ]
      .filter((at) => at > signedUpAt && at <= last)
      .map((at) => ({ account: accountId, at }));
  });
  // Latest first: each is found from the one after it.
  const turns = groupBy(
    cuts.toSorted((a, b) => (a.at > b.at ? -1 : 1)),
    ({ at }) => at,
  );
  for (const turn of turns.values()) await cutSeries(tx, turn);
}
