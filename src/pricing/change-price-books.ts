import { sql, type Selectable } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { PriceBook as PriceBookTable } from '../database/tables.ts';
import { Fault } from '../values/fault.ts';
import { formatSecond, toSecond, type Second } from '../values/instant.ts';
import { priceBookContent, type PriceBookContent } from './price-book.ts';

/** A price book with what is kept about it. */
export type StoredPriceBook = {
  readonly id: string;
  readonly effectiveAt: Second;
  readonly content: PriceBookContent;
  readonly createdAt: Date;
  /** Undefined for the book every installation starts with. */
  readonly addedBy: string | undefined;
};

/** In order of their instants, without those that were withdrawn. */
export async function listStoredPriceBooks(db: Db): Promise<readonly StoredPriceBook[]> {
  const rows = await db
    .selectFrom('price_book')
    .selectAll()
    .where('withdrawn_at', 'is', null)
    .orderBy('effective_at')
    .execute();
  return rows.map(toStored);
}

/**
 * Adds a price book, which all accounts pay by from its instant on. Answers whether it is new: repeating it
 * changes nothing.
 *
 * @throws Fault `price_book_backdated` unless its instant is yet to come, `price_book_not_last` when another
 *   book comes into force then or later, `id_reused` for an id that another book had.
 */
export async function addPriceBook(
  db: Db,
  now: Date,
  book: Pick<StoredPriceBook, 'id' | 'effectiveAt' | 'content'> & { readonly addedBy: string },
): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    // Two books at once must see each other.
    await sql`lock table price_book in share row exclusive mode`.execute(tx);
    if (await isKnown(tx, book)) return false;
    await refuseBackdated(tx, now, book.effectiveAt);
    await refuseNotLast(tx, book.effectiveAt);
    await tx
      .insertInto('price_book')
      .values({
        price_book_id: book.id,
        effective_at: book.effectiveAt,
        content: JSON.stringify(book.content),
        created_at: now,
        added_by: book.addedBy,
      })
      .execute();
    return true;
  });
}

/**
 * Takes back a book that is not in force yet: it will never have counted, and its id stays taken. Answers
 * whether it was planned until now; safe to repeat.
 *
 * @throws Fault `price_book_unknown`; `price_book_in_force` once its instant has come.
 */
export async function withdrawPriceBook(
  db: Db,
  now: Date,
  id: string,
  withdrawnBy: string,
): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    const book = await tx
      .selectFrom('price_book')
      .selectAll()
      .where('price_book_id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (book === undefined) {
      throw new Fault('not_found', 'price_book_unknown', `there is no price book ${id}`);
    }
    if (book.withdrawn_at !== null) return false;
    const { effective_at: effectiveAt } = book;
    if (effectiveAt <= toSecond(now) || (await isBilledBy(tx, effectiveAt))) {
      const message =
        `price book ${id} has been in force since ${formatSecond(effectiveAt)} and stays so until a ` +
        'later one; add a new book to change prices';
      throw new Fault('conflict', 'price_book_in_force', message);
    }
    await tx
      .updateTable('price_book')
      .set({ withdrawn_at: now, withdrawn_by: withdrawnBy })
      .where('price_book_id', '=', id)
      .execute();
    return true;
  });
}

async function isKnown(
  tx: Db,
  { id, effectiveAt, content }: Pick<StoredPriceBook, 'id' | 'effectiveAt' | 'content'>,
): Promise<boolean> {
  const known = await tx
    .selectFrom('price_book')
    .select(sql<boolean>`content = ${JSON.stringify(content)}::jsonb`.as('isSame'))
    .select(['effective_at', 'withdrawn_at'])
    .where('price_book_id', '=', id)
    .executeTakeFirst();
  if (known === undefined) return false;
  if (known.isSame && known.effective_at === effectiveAt && known.withdrawn_at === null)
    return true;
  const what =
    known.withdrawn_at === null
      ? `other prices or another instant (${formatSecond(known.effective_at)})`
      : 'a book that was withdrawn';
  throw new Fault('conflict', 'id_reused', `the id ${id} was used for ${what}; choose another`);
}

async function refuseBackdated(tx: Db, now: Date, effectiveAt: Second): Promise<void> {
  const isPast = effectiveAt <= toSecond(now);
  // A clock of ours may be behind that of the process which closed.
  if (!isPast && !(await isBilledBy(tx, effectiveAt))) return;
  const message =
    `a price book must come into force after now (${formatSecond(toSecond(now))}), ` +
    `not at ${formatSecond(effectiveAt)}: what was used until now costs what was said`;
  throw new Fault('invalid', 'price_book_backdated', message);
}

async function isBilledBy(tx: Db, effectiveAt: Second): Promise<boolean> {
  const closed = await tx
    .selectFrom('billing_period')
    .select('account_id')
    .where('end_at', '>', effectiveAt)
    .limit(1)
    .executeTakeFirst();
  return closed !== undefined;
}

async function refuseNotLast(tx: Db, effectiveAt: Second): Promise<void> {
  const later = await tx
    .selectFrom('price_book')
    .select(['price_book_id', 'effective_at'])
    .where('withdrawn_at', 'is', null)
    .where('effective_at', '>=', effectiveAt)
    .orderBy('effective_at')
    .executeTakeFirst();
  if (later === undefined) return;
  const message =
    `a price book must come after all others, and ${later.price_book_id} comes into force at ` +
    `${formatSecond(later.effective_at)}, not before ${formatSecond(effectiveAt)}; withdraw it first`;
  throw new Fault('conflict', 'price_book_not_last', message);
}

function toStored(row: Selectable<PriceBookTable>): StoredPriceBook {
  return {
    id: row.price_book_id,
    effectiveAt: row.effective_at,
    content: priceBookContent.parse(row.content),
    createdAt: row.created_at,
    addedBy: row.added_by ?? undefined,
  };
}
