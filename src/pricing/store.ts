import type { Db } from '../database/pool.ts';
import { readPriceBook, type PriceBook } from './price-book.ts';

/** All price books in order of their instants. */
export async function listPriceBooks(db: Db): Promise<readonly PriceBook[]> {
  const rows = await db.selectFrom('price_book').selectAll().orderBy('effective_at').execute();
  return rows.map((row) => readPriceBook(row.price_book_id, row.effective_at, row.content));
}
