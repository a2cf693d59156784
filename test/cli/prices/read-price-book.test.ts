import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPriceBookFile } from '../../../src/cli/prices/read-price-book.ts';
import { DOCUMENTED_PRICES } from '../../../src/pricing/price-book.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'price-book-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function read(content: unknown) {
  const file = path.join(folder, 'book.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return await readPriceBookFile(file);
}

test('a book has an id and an instant, or is only prices to try', async () => {
  const named = { id: '2027', effective_at: '2027-01-01T00:00:00Z', ...DOCUMENTED_PRICES };
  expect(await read(named)).toEqual({
    id: '2027',
    effectiveAt: 1_798_761_600n,
    content: DOCUMENTED_PRICES,
  });
  expect(await read(DOCUMENTED_PRICES)).toEqual({
    id: undefined,
    effectiveAt: undefined,
    content: DOCUMENTED_PRICES,
  });
});

test.each<[string, unknown, string]>([
  ['no JSON', '{', 'book.json is not JSON'],
  [
    'a price that is a number',
    { ...DOCUMENTED_PRICES, replica_size_second_usd: 1 },
    'book.json: replica_size_second_usd: must be US dollars',
  ],
  [
    'prices missing',
    { ...DOCUMENTED_PRICES, database_month_usd: { '4': '1' } },
    'database_month_usd.0.6: must be US dollars',
  ],
  ['a field no book has', { ...DOCUMENTED_PRICES, discount: '5' }, '"discount"'],
  [
    'a day that does not exist',
    { ...DOCUMENTED_PRICES, effective_at: '2027-02-30T00:00:00Z' },
    'effective_at: must be an RFC 3339 instant',
  ],
  ['an id that cannot be told', { ...DOCUMENTED_PRICES, id: '' }, 'id: must be'],
])('a book with %s is refused by file and field', async (_what, content, complaint) => {
  const refused = read(content);
  await expect(refused).rejects.toThrow(
    expect.objectContaining({ kind: 'invalid', code: 'price_book_invalid' }),
  );
  await expect(refused).rejects.toThrow(complaint);
});

test('a file that is not there is refused by name', async () => {
  await expect(readPriceBookFile(path.join(folder, 'none.json'))).rejects.toThrow(
    'none.json cannot be read',
  );
});
