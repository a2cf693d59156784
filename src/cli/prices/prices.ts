import type { Command } from 'commander';
import type { Db } from '../../database/pool.ts';
import { accountPriceContent, type AccountPriceContent } from '../../pricing/account-price.ts';
import {
  endAccountPrice,
  listAccountPrices,
  setAccountPrice,
  type StoredAccountPrice,
} from '../../pricing/change-account-prices.ts';
import type { Clock } from '../../values/clock.ts';
import { Fault } from '../../values/fault.ts';
import { formatSecond } from '../../values/instant.ts';
import type { Services } from '../context.ts';
import { instantOption } from '../instant-option.ts';
import { printJson, tableOf, type Output } from '../output.ts';
import { parseWith } from './read-price-book.ts';
import { requireAccount } from '../../accounts/require-account.ts';

type Context = { readonly db: Db; readonly output: Output; readonly now: Date };

type PricesOptions = {
  readonly set?: readonly string[];
  readonly end?: string;
  readonly from?: string;
  readonly to?: string;
  readonly id?: string;
  readonly reason?: string;
  readonly actor: string;
  readonly json?: true;
};

/** Adds `gigameter prices …`. `run` opens the services, and sets the exit code it is given. */
export function addPricesCommand(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock }: { readonly output: Output; readonly clock: Clock },
): void {
  program
    .command('prices <account>')
    .description('what an account pays instead of the prices of the book')
    .option('--set <prices...>', 'app=USD per RSS, and SIZE=USD a month for databases of a size')
    .option('--from <instant>', 'of --set: from when on (default: now)')
    .option('--to <instant>', 'of --set: until when; of --end: when (default: now)')
    .option('--id <id>', 'of --set: what these prices are called (default: by their instant)')
    .option('--end <id>', 'end prices earlier than was said')
    .option('--reason <text>', 'why, kept with the prices')
    .option('--actor <name>', 'who decides it, kept with the prices', 'operator')
    .option('--json', 'print JSON')
    .action(
      async (account: string, options: PricesOptions) =>
        await run(({ db }) => pricesCommand({ db, output, now: clock() }, account, options)),
    );
}

/** `gigameter prices ACCOUNT`: shows, sets or ends an account's own prices. Safe to repeat with `--id`. */
async function pricesCommand(
  context: Context,
  accountId: string,
  options: PricesOptions,
): Promise<number> {
  const { db, output } = context;
  const account = await requireAccount(db, accountId);
  if (options.set !== undefined && options.end !== undefined) {
    throw invalid('give either --set or --end');
  }
  if (options.set !== undefined) await setPrices(context, account.id, options.set, options);
  if (options.end !== undefined) await endPrices(context, account.id, options.end, options);
  const prices = await listAccountPrices(db, account.id);
  if (options.json) printJson(output, { account: account.id, prices: prices.map(toJson) });
  else {
    output.data(
      prices.length === 0 ? `${account.id} pays the prices of the book.` : toText(prices),
    );
  }
  return 0;
}

async function setPrices(
  { db, output, now }: Context,
  accountId: string,
  written: readonly string[],
  options: PricesOptions,
): Promise<void> {
  const from = instantOption('--from', options.from, now);
  const id = options.id ?? `from ${formatSecond(from)}`;
  const isNew = await setAccountPrice(db, now, accountId, {
    id,
    from,
    to: options.to === undefined ? undefined : instantOption('--to', options.to, now),
    content: pricesOf(written),
    actor: options.actor,
    reason: reasonOf(options),
  });
  output.note(isNew ? `Prices "${id}" were set.` : `Prices "${id}" were set before.`);
}

async function endPrices(
  { db, output, now }: Context,
  accountId: string,
  id: string,
  options: PricesOptions,
): Promise<void> {
  const isNew = await endAccountPrice(db, now, accountId, {
    id,
    at: instantOption('--to', options.to, now),
    actor: options.actor,
    reason: reasonOf(options),
  });
  output.note(isNew ? `Prices "${id}" were ended.` : `Prices "${id}" were ended before.`);
}

/** `app=0.000015`, `4=300` */
function pricesOf(written: readonly string[]): AccountPriceContent {
  const pairs = written.map((text) => {
    const match = /^([^=]+)=(.*)$/.exec(text);
    if (match === null) {
      throw invalid(`--set takes app=USD and SIZE=USD, such as app=0.000015 4=300, not ${text}`);
    }
    return [match[1]!, match[2]!] as const;
  });
  const { app, ...databases } = Object.fromEntries(pairs) as Record<string, string>;
  const content = {
    ...(app === undefined ? {} : { replica_size_second_usd: app }),
    ...(Object.keys(databases).length === 0 ? {} : { database_month_usd: databases }),
  };
  return parseWith(accountPriceContent, content, '--set');
}

function reasonOf({ reason }: PricesOptions): string {
  if (reason !== undefined && reason.trim() !== '') return reason;
  throw invalid('--reason is missing: say why, it is kept with the prices');
}

function invalid(message: string): Fault {
  return new Fault('invalid', 'invalid_option', message);
}

function toJson(price: StoredAccountPrice) {
  const { content, ended } = price;
  return {
    id: price.id,
    from: formatSecond(price.from),
    to: price.to === undefined ? null : formatSecond(price.to),
    replica_size_second_usd: content.replica_size_second_usd ?? null,
    database_month_usd: content.database_month_usd ?? {},
    actor: price.actor,
    reason: price.reason,
    set_at: price.createdAt.toISOString(),
    ended:
      ended === undefined
        ? null
        : { by: ended.by, reason: ended.reason, at: ended.at.toISOString() },
  };
}

function toText(prices: readonly StoredAccountPrice[]): string {
  const rows = prices.map(({ id, from, to, content, actor, reason, ended }) => [
    id,
    formatSecond(from),
    to === undefined ? '' : formatSecond(to),
    [
      content.replica_size_second_usd && `$${content.replica_size_second_usd} per RSS`,
      ...Object.entries(content.database_month_usd ?? {}).map(
        ([size, usd]) => usd && `database ${size}: $${usd}`,
      ),
    ]
      .filter((price) => price !== undefined && price !== '')
      .join(', '),
    ended === undefined
      ? `${actor}: ${reason}`
      : `${actor}: ${reason}; ${ended.by}: ${ended.reason}`,
  ]);
  return tableOf(
    ['prices', 'from', 'to', 'instead of the book', 'why'].map((title) => ({ title })),
    rows,
  );
}
