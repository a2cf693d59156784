import {
  readAccountPrice,
  withAccountPrices,
  type AccountPriceContent,
} from '../../src/pricing/account-price.ts';
import { setAccountPrice } from '../../src/pricing/change-account-prices.ts';
import { addPriceBook, listStoredPriceBooks } from '../../src/pricing/change-price-books.ts';
import {
  DOCUMENTED_PRICES,
  documentedPriceBook,
  readPriceBook,
  type PriceBook,
  type PriceBookContent,
} from '../../src/pricing/price-book.ts';
import type { Db } from '../../src/database/pool.ts';
import { parseInstant, toDate, type Second } from '../../src/values/instant.ts';

/** A row of a story that changes prices: for everybody, or for one account. */
export type PriceChange = {
  /** When it is decided, RFC 3339. */
  readonly saidAt: string;
  /** Undefined: all pay it. */
  readonly account: string | undefined;
  readonly from: Second;
  readonly to: Second | undefined;
  readonly prices: AccountPriceContent;
};

/** Words in capitals stand for an instant or a number; "to INSTANT" may be left out. */
export const PRICE_SENTENCES = [
  'from INSTANT all pay $USD per RSS',
  'from INSTANT all pay $USD a month for databases of size SIZE',
  'from INSTANT to INSTANT acme pays $USD per RSS',
  'from INSTANT to INSTANT acme pays $USD a month for databases of size SIZE',
] as const;

const INSTANT = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?`;
const SENTENCE = new RegExp(
  `^from (?<from>${INSTANT})(?: to (?<to>${INSTANT}))? (?:all pay|(?<account>\\S+) pays) ` +
    String.raw`\$(?<usd>[\d.]+) (?:per RSS|a month for databases of size (?<size>[\d.]+))$`,
);

/** The change of prices a sentence stands for; undefined when it is none. */
export function priceChangeOf(sentence: string, saidAt: string): PriceChange | undefined {
  const words = SENTENCE.exec(sentence)?.groups;
  if (words === undefined) return undefined;
  const { account, from, to, usd, size } = words;
  const prices: AccountPriceContent =
    size === undefined
      ? { replica_size_second_usd: usd! }
      : { database_month_usd: { [size]: usd! } };
  return {
    saidAt,
    account,
    from: secondOf(from!),
    to: to === undefined ? undefined : secondOf(to),
    prices,
  };
}

/** By pure computation: the books that hold for an account. */
export function booksAfter(changes: readonly PriceChange[], account: string): readonly PriceBook[] {
  let content = DOCUMENTED_PRICES;
  const books = [documentedPriceBook()];
  for (const change of changes.filter((one) => one.account === undefined)) {
    content = withPrices(content, change.prices);
    books.push(readPriceBook(`from ${change.from}`, change.from, content));
  }
  const own = changes.filter((one) => one.account === account);
  return withAccountPrices(
    books,
    own.map(({ from, to, prices }) => readAccountPrice(`from ${from}`, from, to, prices)),
  );
}

/** In the database, by the verbs that refuse what must not change. */
export async function changePrices(db: Db, change: PriceChange): Promise<void> {
  const now = toDate(parseInstant(change.saidAt)!.second);
  const { account, from, to, prices } = change;
  const id = `from ${from}`;
  if (account !== undefined) {
    const price = { id, from, to, content: prices, actor: 'operator', reason: 'a story' };
    await setAccountPrice(db, now, account, price);
    return;
  }
  const last = (await listStoredPriceBooks(db)).at(-1)!;
  const content = withPrices(last.content, prices);
  await addPriceBook(db, now, { id, effectiveAt: from, content, addedBy: 'operator' });
}

function withPrices(content: PriceBookContent, prices: AccountPriceContent): PriceBookContent {
  return {
    ...content,
    replica_size_second_usd: prices.replica_size_second_usd ?? content.replica_size_second_usd,
    database_month_usd: {
      ...content.database_month_usd,
      ...definedOf(prices.database_month_usd ?? {}),
    },
  };
}

function definedOf(prices: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(prices).flatMap(([size, usd]) => (usd === undefined ? [] : [[size, usd]])),
  );
}

/** `2026-01-10 00:00` or with seconds, UTC. */
function secondOf(instant: string): Second {
  const [date, time] = instant.split(' ');
  return parseInstant(`${date}T${time!.length === 5 ? `${time}:00` : time}Z`)!.second;
}
