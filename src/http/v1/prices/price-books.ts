import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Db } from '../../../database/pool.ts';
import {
  addPriceBook,
  listStoredPriceBooks,
  withdrawPriceBook,
  type StoredPriceBook,
} from '../../../pricing/change-price-books.ts';
import { priceBookContent } from '../../../pricing/price-book.ts';
import type { Clock } from '../../../values/clock.ts';
import { toSecond, type Second } from '../../../values/instant.ts';
import { actorOf } from '../authenticate.ts';
import {
  dateToInstant,
  identifier,
  instant,
  instantInput,
  PROBLEMS,
  toInstant,
} from '../schemas.ts';

const priceBook = z
  .object({
    id: z.string().meta({ example: '2027' }),
    effective_at: instant.meta({ description: 'in force from then on, until the next one' }),
    is_effective: z.boolean().meta({ description: 'its instant has come; it cannot be withdrawn' }),
    ...priceBookContent.shape,
    added_at: instant,
    added_by: z.string().nullable().meta({ description: 'null: came with the installation' }),
  })
  .meta({ id: 'PriceBook', description: 'all prices; in US dollars, as decimal strings' });

/** The price books: what everything costs, from when on. */
export function priceBookRoutes({
  db,
  clock,
}: {
  readonly db: Db;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Prices'] };
    server.route({
      method: 'GET',
      url: '/price-books',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'listPriceBooks',
        summary: 'All price books, past ones and planned ones, oldest first',
        response: { 200: z.object({ price_books: z.array(priceBook) }), ...PROBLEMS },
      },
      handler: async () => {
        const now = toSecond(clock());
        const books = await listStoredPriceBooks(db);
        return { price_books: books.map((book) => toJson(book, now)) };
      },
    });
    server.route({
      method: 'POST',
      url: '/price-books',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'addPriceBook',
        summary: 'Let all accounts pay by a new book from an instant on',
        description:
          'Its instant must be yet to come (422 `price_book_backdated`) and after that of all other books ' +
          '(409 `price_book_not_last`). A period in which prices change is billed by both, to the second. ' +
          'One book per `id`: repeating it changes nothing and answers 200.',
        body: priceBookContent
          .extend({ id: identifier, effective_at: instantInput })
          .meta({ id: 'NewPriceBook' }),
        response: { 200: priceBook, 201: priceBook, ...PROBLEMS },
      },
      handler: async (request, reply) => {
        const { id, effective_at: effectiveAt, ...content } = request.body;
        const addedBy = actorOf(request);
        const now = clock();
        const isNew = await addPriceBook(db, now, { id, effectiveAt, content, addedBy });
        const added = (await listStoredPriceBooks(db)).find((book) => book.id === id)!;
        return await reply.status(isNew ? 201 : 200).send(toJson(added, toSecond(now)));
      },
    });
    server.route({
      method: 'DELETE',
      url: '/price-books/:book',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'withdrawPriceBook',
        summary: 'Take back a book that is not in force yet',
        description: 'Refused once it is (409 `price_book_in_force`). Safe to repeat.',
        params: z.strictObject({ book: identifier.meta({ example: '2027' }) }),
        response: {
          200: z.object({ id: z.string(), is_withdrawn: z.literal(true) }).meta({
            id: 'WithdrawnPriceBook',
          }),
          ...PROBLEMS,
        },
      },
      handler: async (request) => {
        const { book: id } = request.params;
        await withdrawPriceBook(db, clock(), id, actorOf(request));
        return { id, is_withdrawn: true as const };
      },
    });
  };
}

function toJson(book: StoredPriceBook, now: Second): z.output<typeof priceBook> {
  return {
    id: book.id,
    effective_at: toInstant(book.effectiveAt),
    is_effective: book.effectiveAt <= now,
    ...book.content,
    added_at: dateToInstant(book.createdAt),
    added_by: book.addedBy ?? null,
  };
}
