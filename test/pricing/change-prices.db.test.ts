import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import {
  endAccountPrice,
  listAccountPrices,
  setAccountPrice,
} from '../../src/pricing/change-account-prices.ts';
import {
  addPriceBook,
  listStoredPriceBooks,
  withdrawPriceBook,
} from '../../src/pricing/change-price-books.ts';
import { DOCUMENTED_PRICES } from '../../src/pricing/price-book.ts';
import { priceBooksOf } from '../../src/pricing/store.ts';
import { parseInstant, type Second } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const second = (text: string): Second => parseInstant(text)!.second;
const say = reporter();
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

const why = { actor: 'ann', reason: 'contract 7' };
const fault = (code: string) => expect.objectContaining({ code });

describe('price books', () => {
  const now = new Date('2020-06-01T12:00:00Z');
  const book = (id: string, effectiveAt: string, perSecond = '0.00002') => ({
    id,
    effectiveAt: second(effectiveAt),
    content: { ...DOCUMENTED_PRICES, replica_size_second_usd: perSecond },
    addedBy: 'ann',
  });
  const add = async (...given: Parameters<typeof book>): Promise<boolean> =>
    await addPriceBook(database.db, now, book(...given));
  const ids = async (): Promise<string[]> =>
    (await listStoredPriceBooks(database.db)).map(({ id }) => id);

  test('a book must come into force after now, if only by a second', async () => {
    await expect(add('a', '2020-06-01T11:59:59Z')).rejects.toThrow(fault('price_book_backdated'));
    await expect(add('a', '2020-06-01T12:00:00Z')).rejects.toThrow(fault('price_book_backdated'));
    expect(await add('a', '2020-06-01T12:00:01Z')).toBe(true);
    expect(await listStoredPriceBooks(database.db)).toMatchObject([
      { id: 'gigalixir-0.15.0', addedBy: undefined },
      { ...book('a', '2020-06-01T12:00:01Z'), createdAt: now },
    ]);
  });

  test('a book must come after all others', async () => {
    expect(await add('later', '2020-09-01T00:00:00Z')).toBe(true);
    await expect(add('b', '2020-09-01T00:00:00Z')).rejects.toThrow(fault('price_book_not_last'));
    await expect(add('b', '2020-08-31T23:59:59Z')).rejects.toThrow(fault('price_book_not_last'));
    expect(await ids()).toEqual(['gigalixir-0.15.0', 'a', 'later']);
  });

  test('a book is added once; its id is good for no other', async () => {
    expect(await add('later', '2020-09-01T00:00:00Z')).toBe(false);
    await expect(add('later', '2020-09-02T00:00:00Z')).rejects.toThrow(fault('id_reused'));
    await expect(add('later', '2020-09-01T00:00:00Z', '0.3')).rejects.toThrow(fault('id_reused'));
  });

  test('a planned book can be taken back; it never counted, and its instant is free again', async () => {
    expect(await withdrawPriceBook(database.db, now, 'later', 'bob')).toBe(true);
    expect(await withdrawPriceBook(database.db, now, 'later', 'bob')).toBe(false);
    expect((await priceBooksOf(database.db, 'nobody')).map(({ id }) => id)).toEqual([
      'gigalixir-0.15.0',
      'a',
    ]);
    await expect(add('later', '2020-09-01T00:00:00Z')).rejects.toThrow(fault('id_reused'));
    expect(await add('better', '2020-09-01T00:00:00Z')).toBe(true);
  });

  test('a book in force stays', async () => {
    const at = new Date('2020-09-01T00:00:00Z');
    await expect(withdrawPriceBook(database.db, at, 'better', 'bob')).rejects.toThrow(
      fault('price_book_in_force'),
    );
    await expect(withdrawPriceBook(database.db, at, 'none', 'bob')).rejects.toThrow(
      fault('price_book_unknown'),
    );
    for (const statement of [
      `update price_book set content = '{}' where price_book_id = 'better'`,
      `update price_book set effective_at = 1 where price_book_id = 'better'`,
      `delete from price_book where price_book_id = 'better'`,
    ]) {
      await expect(database.pool.query(statement)).rejects.toThrow('is a fact');
    }
  });

  test('of two books for the same instant one is added', async () => {
    const outcomes = await Promise.allSettled(
      ['x', 'y'].map(async (id) => await add(id, '2021-01-01T00:00:00Z')),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('a clock that is behind adds no book into a closed period, nor takes one back', async () => {
    expect(await add('z', '2022-01-15T00:00:00Z')).toBe(true);
    await record(new Date('2022-01-01T00:00:00Z'), [
      say('account.created', '2022-01-01T00:00:00Z', { account: 'early', email: 'a@a.example' }),
    ]);
    await close('2022-02-01T00:00:00Z');
    const behind = new Date('2022-01-10T00:00:00Z');
    await expect(
      addPriceBook(database.db, behind, book('c', '2022-01-31T00:00:00Z')),
    ).rejects.toThrow(fault('price_book_backdated'));
    await expect(withdrawPriceBook(database.db, behind, 'z', 'bob')).rejects.toThrow(
      fault('price_book_in_force'),
    );
    await expect(
      database.pool.query(
        `update price_book set withdrawn_at = now(), withdrawn_by = 'x' where price_book_id = 'z'`,
      ),
    ).rejects.toThrow('periods were billed by price book z');
  });
});

describe('prices of one account', () => {
  const now = new Date('2026-02-20T00:00:00Z');
  let account = '';
  let count = 0;

  /** Signed up with the year; January is closed. */
  beforeEach(async () => {
    account = `acme ${++count}`;
    await record(now, [
      say('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@acme.example' }),
      say('account.upgraded', '2026-01-01T00:00:00Z', { account }),
    ]);
    await close('2026-02-01T00:00:00Z');
  });

  const set = async (id: string, from: string, to?: string, usd = '0.00001'): Promise<boolean> =>
    await setAccountPrice(database.db, now, account, {
      id,
      from: second(from),
      to: to === undefined ? undefined : second(to),
      content: { replica_size_second_usd: usd },
      ...why,
    });
  const end = async (id: string, at: string): Promise<boolean> =>
    await endAccountPrice(database.db, now, account, { id, at: second(at), ...why });
  const ranges = async () =>
    (await listAccountPrices(database.db, account)).map(({ id, from, to }) => [id, from, to]);

  test('they are kept with who set them and why, and hold within their range', async () => {
    expect(await set('a', '2026-02-10T00:00:00Z', '2026-02-20T00:00:00Z')).toBe(true);
    expect(await listAccountPrices(database.db, account)).toEqual([
      {
        id: 'a',
        from: second('2026-02-10T00:00:00Z'),
        to: second('2026-02-20T00:00:00Z'),
        content: { replica_size_second_usd: '0.00001' },
        ...why,
        createdAt: now,
        ended: undefined,
      },
    ]);
    const books = await priceBooksOf(database.db, account);
    expect(books.filter(({ id }) => id.endsWith('+a')).map((one) => one.effectiveAt)).toEqual([
      second('2026-02-10T00:00:00Z'),
    ]);
    expect(await priceBooksOf(database.db, 'early')).toEqual(
      await priceBooksOf(database.db, 'nobody'),
    );
  });

  test('they may begin in the past of the open period, not in a closed one', async () => {
    await expect(set('a', '2026-01-31T23:59:59Z')).rejects.toThrow(fault('price_backdated'));
    expect(await set('a', '2026-02-01T00:00:00Z')).toBe(true);
    await expect(
      database.pool.query(
        `insert into account_price (account_id, price_id, from_at, to_at, content, actor, reason,
           created_at) values ($1, 'raw', 0, 5, '{}', 'x', 'x', now())`,
        [account],
      ),
    ).rejects.toThrow('were billed');
  });

  test('two never hold at the same time; one may follow the other at once', async () => {
    await set('a', '2026-02-10T00:00:00Z', '2026-02-20T00:00:00Z');
    const overlaps = fault('price_overlaps');
    await expect(set('b', '2026-02-19T23:59:59Z')).rejects.toThrow(overlaps);
    await expect(set('b', '2026-02-05T00:00:00Z')).rejects.toThrow(overlaps);
    await expect(set('b', '2026-02-12T00:00:00Z', '2026-02-13T00:00:00Z')).rejects.toThrow(
      overlaps,
    );
    expect(await set('b', '2026-02-20T00:00:00Z')).toBe(true);
    expect(await set('c', '2026-02-05T00:00:00Z', '2026-02-10T00:00:00Z')).toBe(true);
    await expect(
      database.pool.query(
        `insert into account_price (account_id, price_id, from_at, content, actor, reason, created_at)
         values ($1, 'raw', $2, '{}', 'x', 'x', now())`,
        [account, second('2026-03-01T00:00:00Z')],
      ),
    ).rejects.toThrow('account_price_one_at_a_time');
  });

  test('of two set at once one holds', async () => {
    const outcomes = await Promise.allSettled(
      ['a', 'b'].map(async (id) => await set(id, '2026-02-10T00:00:00Z')),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await ranges()).toHaveLength(1);
  });

  test('repeating them changes nothing, also after they were ended; their id is good for no others', async () => {
    await set('a', '2026-02-10T00:00:00Z');
    expect(await set('a', '2026-02-10T00:00:00Z')).toBe(false);
    const reused = fault('id_reused');
    await expect(set('a', '2026-02-10T00:00:00Z', undefined, '0.1')).rejects.toThrow(reused);
    await expect(set('a', '2026-02-11T00:00:00Z')).rejects.toThrow(reused);
    await expect(set('a', '2026-02-10T00:00:00Z', '2026-03-01T00:00:00Z')).rejects.toThrow(reused);
    await end('a', '2026-02-15T00:00:00Z');
    expect(await set('a', '2026-02-10T00:00:00Z')).toBe(false);
    await expect(set('b', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z')).rejects.toThrow(
      fault('price_range_empty'),
    );
  });

  test('they can end earlier than was said, never later', async () => {
    await set('a', '2026-02-10T00:00:00Z');
    expect(await end('a', '2026-02-25T00:00:00Z')).toBe(true);
    expect(await end('a', '2026-02-25T00:00:00Z')).toBe(false);
    expect(await end('a', '2026-02-24T00:00:00Z')).toBe(true);
    await expect(end('a', '2026-02-26T00:00:00Z')).rejects.toThrow(fault('price_ends_earlier'));
    await expect(end('none', '2026-02-26T00:00:00Z')).rejects.toThrow(fault('price_unknown'));
    expect(await listAccountPrices(database.db, account)).toMatchObject([
      {
        to: second('2026-02-24T00:00:00Z'),
        ended: { by: 'ann', reason: 'contract 7', at: now },
      },
    ]);
    expect(await set('b', '2026-02-24T00:00:00Z')).toBe(true);
  });

  test('ended before they began, they never held', async () => {
    await set('a', '2026-02-10T00:00:00Z');
    expect(await end('a', '2026-02-05T00:00:00Z')).toBe(true);
    expect(await end('a', '2026-02-05T00:00:00Z')).toBe(false);
    expect(await priceBooksOf(database.db, account)).toEqual(
      await priceBooksOf(database.db, 'nobody'),
    );
    expect(await set('b', '2026-02-01T00:00:00Z')).toBe(true);
  });

  test('what a closed period was billed by stays', async () => {
    await set('a', '2026-02-10T00:00:00Z');
    await close('2026-03-01T00:00:00Z');
    await expect(end('a', '2026-02-28T23:59:59Z')).rejects.toThrow(fault('price_backdated'));
    for (const statement of [
      `update account_price set to_at = ${second('2026-02-28T00:00:00Z')} where account_id = $1`,
      `update account_price set content = '{}' where account_id = $1`,
      `delete from account_price where account_id = $1`,
    ]) {
      await expect(database.pool.query(statement, [account])).rejects.toThrow(
        /were billed|is a fact|are facts/,
      );
    }
    expect(await end('a', '2026-03-01T00:00:00Z')).toBe(true);
  });

  test('an account whose last period is closed keeps its prices; one that is unknown has none', async () => {
    await record(now, [say('account.deleted', '2026-02-15T00:00:00Z', { account })]);
    await close('2026-02-20T00:00:00Z');
    await expect(set('a', '2026-02-10T00:00:00Z')).rejects.toThrow(fault('account_closed'));
    account = 'nobody';
    await expect(set('a', '2026-02-10T00:00:00Z')).rejects.toThrow(fault('account_unknown'));
  });
});

async function close(until: string): Promise<void> {
  await closeDuePeriods(database.db, new Date(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}
