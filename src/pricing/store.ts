import { sql } from 'kysely';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { groupBy } from '../values/group.ts';
import type { Second } from '../values/instant.ts';
import { readAccountPrice, withAccountPrices, type PriceBooksOf } from './account-price.ts';
import { readPriceBook, type PriceBook } from './price-book.ts';

/** The books that hold for one account, its own prices within them. */
export async function priceBooksOf(db: Db, accountId: string): Promise<readonly PriceBook[]> {
  const books = await readPrices(db, [accountId]);
  return books(accountId);
}

/**
 * The books that hold for each of the accounts, by one statement. Whoever freezes an invoice reads them with
 * the accounts' lock held, under which their own prices change.
 */
export async function readPrices(db: Db, accountIds: readonly string[]): Promise<PriceBooksOf> {
  const { rows } = await sql<PriceRow>`/* prepare read_prices */
    select null as "accountId", price_book_id as id, effective_at as "from", null::bigint as "to", content
    from price_book where withdrawn_at is null
    union all
    select account_id, price_id, from_at, to_at, content
    from account_price where account_id = any(${textArray(accountIds)}::text[])
    order by "from"`.execute(db);
  const books = rows.filter(({ accountId }) => accountId === null);
  return pricesOf(
    books.map((row) => readPriceBook(row.id, row.from, row.content)),
    rows,
  );
}

type PriceRow = {
  /** Null: it is a book. */
  readonly accountId: string | null;
  readonly id: string;
  readonly from: Second;
  readonly to: Second | null;
  readonly content: unknown;
};

/** What each of the accounts would pay if these were the books, its own prices within them. */
export async function pricesWithin(
  db: Db,
  priceBooks: readonly PriceBook[],
  accountIds: readonly string[],
): Promise<PriceBooksOf> {
  const rows = await db
    .selectFrom('account_price')
    .select([
      'account_id as accountId',
      'price_id as id',
      'from_at as from',
      'to_at as to',
      'content',
    ])
    .where('account_id', '=', sql<string>`any(${accountIds})`)
    .execute();
  return pricesOf(priceBooks, rows);
}

function pricesOf(priceBooks: readonly PriceBook[], rows: readonly PriceRow[]): PriceBooksOf {
  const byAccount = groupBy(rows, ({ accountId }) => accountId);
  return (accountId) =>
    withAccountPrices(
      priceBooks,
      (byAccount.get(accountId) ?? []).map(({ id, from, to, content }) =>
        readAccountPrice(id, from, to ?? undefined, content),
      ),
    );
}
