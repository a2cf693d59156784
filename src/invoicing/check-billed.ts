import { sql } from 'kysely';
import { findAccounts } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import { readPrices } from '../pricing/store.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { compareBilled, type ClosedPeriod } from './find-adjustments.ts';

export type BilledOtherwise = {
  readonly accountId: string;
  readonly periodStart: Second;
  /** What the period costs by its series, less what all invoices together billed for it. */
  readonly cents: Cents;
  /** What differs, in words. */
  readonly differences: readonly string[];
};

const ACCOUNTS_AT_ONCE = 500;

/**
 * Compares what was billed for closed periods that ended after `since` with what their series say now, of one
 * account or of all. Accounts that wait for corrections of late facts are left out: their next invoice
 * carries them. Changes nothing.
 */
export async function checkBilled(
  db: Db,
  { accountId, since }: { readonly accountId: string | undefined; readonly since: Second },
): Promise<BilledOtherwise[]> {
  const found: BilledOtherwise[] = [];
  let after: string | undefined;
  for (;;) {
    const asked = { accountId, since, after };
    const { last, otherwise } = await db
      .transaction()
      // Late facts that arrive meanwhile are seen in series and account alike, or in neither.
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (tx) => await checkChunk(tx, asked));
    found.push(...otherwise);
    if (last === undefined) return found;
    after = last;
  }
}

type Asked = {
  readonly accountId: string | undefined;
  readonly since: Second;
  readonly after: string | undefined;
};

async function checkChunk(
  tx: Db,
  asked: Asked,
): Promise<{ last: string | undefined; otherwise: BilledOtherwise[] }> {
  const closed = await findClosed(tx, asked);
  const priceBooks = await readPrices(tx, [...new Set(closed.map(({ account }) => account.id))]);
  const otherwise = (await compareBilled(tx, priceBooks, closed))
    .filter(({ lines }) => lines.length > 0)
    .map(({ period, lines }) => ({
      accountId: period.account.id,
      periodStart: period.start,
      cents: lines.reduce((sum, { amountCents }) => sum + amountCents, 0n),
      differences: lines.map(({ description }) => description),
    }));
  return { last: closed.at(-1)?.account.id, otherwise };
}

/** The closed periods of the next accounts, in the order of their ids. */
async function findClosed(tx: Db, { accountId, since, after }: Asked): Promise<ClosedPeriod[]> {
  const { rows } = await sql<{ account_id: string; start_at: bigint; end_at: bigint }>`
    with chosen as (
      select account_id from account
      where late_since is null
        and (${accountId ?? null}::text is null or account_id = ${accountId ?? null})
        and (${after ?? null}::text is null or account_id > ${after ?? null})
        and exists (select from billing_period period
          where period.account_id = account.account_id and period.end_at > ${since})
      order by account_id limit ${ACCOUNTS_AT_ONCE}
    )
    select period.account_id, period.start_at, period.end_at
    from chosen join billing_period period using (account_id)
    where period.end_at > ${since}
    order by period.account_id, period.start_at`.execute(tx);
  const accounts = await findAccounts(tx, [...new Set(rows.map((row) => row.account_id))]);
  return rows.map((row) => ({
    account: accounts.get(row.account_id)!,
    start: row.start_at,
    end: row.end_at,
  }));
}
