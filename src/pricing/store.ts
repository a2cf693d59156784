import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { groupBy } from '../values/group.ts';
import { readAccountPrice, withAccountPrices, type PriceBooksOf } from './account-price.ts';
import { readPriceBook, type PriceBook } from './price-book.ts';

/** All price books in order of their instants; those that were withdrawn never counted. */
export async function listPriceBooks(db: Db): Promise<readonly PriceBook[]> {
  const rows = await db
    .selectFrom('price_book')
    .selectAll()
    .where('withdrawn_at', 'is', null)
    .orderBy('effective_at')
    .execute();
  return rows.map((row) => readPriceBook(row.price_book_id, row.effective_at, row.content));
}

/** The books that hold for one account, its own prices within them. */
export async function priceBooksOf(db: Db, accountId: string): Promise<readonly PriceBook[]> {
  const books = await readPrices(db, [accountId]);
  return books(accountId);
}

/**
 * The books that hold for each of the accounts. Whoever freezes an invoice reads them with the accounts'
 * lock held, under which their own prices change.
 */
export async function readPrices(db: Db, accountIds: readonly string[]): Promise<PriceBooksOf> {
  return await pricesWithin(db, await listPriceBooks(db), accountIds);
}

/** What each of the accounts would pay if these were the books, its own prices within them. */
export async function pricesWithin(
  db: Db,
  priceBooks: readonly PriceBook[],
  accountIds: readonly string[],
): Promise<PriceBooksOf> {
  const rows = await db
    .selectFrom('account_price')
    .select(['account_id', 'price_id', 'from_at', 'to_at', 'content'])
    .where('account_id', '=', sql<string>`any(${accountIds})`)
    .execute();
  const byAccount = groupBy(rows, ({ account_id }) => account_id);
  return (accountId) =>
    withAccountPrices(
      priceBooks,
      (byAccount.get(accountId) ?? []).map((row) =>
        readAccountPrice(row.price_id, row.from_at, row.to_at ?? undefined, row.content),
      ),
    );
}
