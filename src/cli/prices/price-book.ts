import type { Command } from 'commander';
import type { Db } from '../../database/pool.ts';
import {
  addPriceBook,
  listStoredPriceBooks,
  withdrawPriceBook,
  type StoredPriceBook,
} from '../../pricing/change-price-books.ts';
import { CORRECTED_MONTHS } from '../../pricing/price-book.ts';
import type { Clock } from '../../values/clock.ts';
import { Fault } from '../../values/fault.ts';
import { formatSecond, toSecond, type Second } from '../../values/instant.ts';
import { DATABASE_SIZES } from '../../values/size.ts';
import type { Services } from '../context.ts';
import { printJson, tableOf, type Output } from '../output.ts';
import { readPriceBookFile } from './read-price-book.ts';

type Context = { readonly db: Db; readonly output: Output; readonly now: Date };
type JsonOption = { readonly json?: true };
type ActorOption = { readonly actor: string };

/** Adds `gigameter price-book …`. `run` opens the services, and sets the exit code it is given. */
export function addPriceBookCommands(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock }: { readonly output: Output; readonly clock: Clock },
): void {
  const books = program.command('price-book').description('what everything costs, from when on');
  const context = ({ db }: Services): Context => ({ db, output, now: clock() });
  books
    .command('list')
    .description('all price books, oldest first')
    .option('--json', 'print JSON')
    .action(
      async (options: JsonOption) =>
        await run((services) => listPriceBooksCommand(context(services), options)),
    );
  books
    .command('add <file>')
    .description('let all accounts pay by a new book from an instant on, which must be yet to come')
    .option('--actor <name>', 'who decides it, kept with the book', 'operator')
    .option('--json', 'print JSON')
    .action(
      async (file: string, options: JsonOption & ActorOption) =>
        await run((services) => addPriceBookCommand(context(services), file, options)),
    );
  books
    .command('withdraw <book>')
    .description('take back a book that is not in force yet')
    .option('--actor <name>', 'who decides it, kept with the book', 'operator')
    .option('--json', 'print JSON')
    .action(
      async (id: string, options: JsonOption & ActorOption) =>
        await run((services) => withdrawPriceBookCommand(context(services), id, options)),
    );
}

/** `gigameter price-book list`: those in force and planned, with all their prices. */
async function listPriceBooksCommand(
  { db, output, now }: Context,
  options: JsonOption,
): Promise<number> {
  const books = await listStoredPriceBooks(db);
  if (options.json) {
    printJson(output, { price_books: books.map((book) => toJson(book, books, toSecond(now))) });
  } else {
    output.data(toText(books, toSecond(now)));
  }
  return 0;
}

/** `gigameter price-book add FILE`: refused when backdated, or before a later book. Safe to repeat. */
async function addPriceBookCommand(
  { db, output, now }: Context,
  file: string,
  { json, actor }: JsonOption & ActorOption,
): Promise<number> {
  const { id, effectiveAt, content } = await readPriceBookFile(file);
  if (id === undefined || effectiveAt === undefined) {
    const missing = id === undefined ? 'id' : 'effective_at';
    throw new Fault('invalid', 'price_book_invalid', `${file}: ${missing}: is missing`);
  }
  const isNew = await addPriceBook(db, now, { id, effectiveAt, content, addedBy: actor });
  if (json) printJson(output, { id, effective_at: formatSecond(effectiveAt), added_now: isNew });
  else {
    output.note(isNew ? `${id} was added.` : `${id} was added before.`);
    output.data(toText(await listStoredPriceBooks(db), toSecond(now)));
  }
  return 0;
}

/** `gigameter price-book withdraw BOOK`: it never counted. Safe to repeat. */
async function withdrawPriceBookCommand(
  { db, output, now }: Context,
  id: string,
  { json, actor }: JsonOption & ActorOption,
): Promise<number> {
  const wasPlanned = await withdrawPriceBook(db, now, id, actor);
  if (json) printJson(output, { id, withdrawn_now: wasPlanned });
  else output.data(wasPlanned ? `${id} is withdrawn.` : `${id} was withdrawn before.`);
  return 0;
}

function stateOf(
  book: StoredPriceBook,
  books: readonly StoredPriceBook[],
  now: Second,
): 'past' | 'in force' | 'planned' {
  if (book.effectiveAt > now) return 'planned';
  const inForce = books.findLast(({ effectiveAt }) => effectiveAt <= now);
  return book === inForce ? 'in force' : 'past';
}

function toJson(book: StoredPriceBook, books: readonly StoredPriceBook[], now: Second) {
  return {
    id: book.id,
    effective_at: formatSecond(book.effectiveAt),
    state: stateOf(book, books, now),
    ...book.content,
    added_at: book.createdAt.toISOString(),
    added_by: book.addedBy ?? null,
  };
}

function toText(books: readonly StoredPriceBook[], now: Second): string {
  const rows = books.map((book) => {
    const { replica_size_second_usd, database_month_usd, month, minimum_charge_cents } =
      book.content;
    const { corrected_months = CORRECTED_MONTHS } = book.content;
    return [
      book.id,
      formatSecond(book.effectiveAt),
      stateOf(book, books, now),
      replica_size_second_usd,
      ...DATABASE_SIZES.map((size) => database_month_usd[String(size)]!),
      month === 'billing_period' ? 'billing period' : `${month.seconds} s`,
      minimum_charge_cents,
      `${corrected_months} months`,
    ];
  });
  return tableOf(
    [
      { title: 'book' },
      { title: 'from' },
      { title: 'state' },
      { title: '$ per RSS', align: 'right' },
      ...DATABASE_SIZES.map((size) => ({ title: `db ${size}`, align: 'right' as const })),
      { title: 'month' },
      { title: 'minimum ¢', align: 'right' },
      { title: 'corrects back' },
    ],
    rows,
  );
}
