import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentedPriceBook } from '../../src/pricing/price-book.ts';
import { priceBooksOf } from '../../src/pricing/store.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => await database.drop());

test('a new installation starts with the prices that estimate uses', async () => {
  expect(await priceBooksOf(database.db, 'nobody')).toEqual([documentedPriceBook()]);
});
