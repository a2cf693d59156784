import type { Db } from '../../database/pool.ts';
import { whatIf, type Repriced } from '../../invoicing/previews/what-if.ts';
import type { Window } from '../../metering/usage/usage.ts';
import { Fault } from '../../values/fault.ts';
import { formatSecond } from '../../values/instant.ts';
import { formatCents, type Cents } from '../../values/money.ts';
import { instantOption } from '../instant-option.ts';
import type { Output } from '../output.ts';
import { asInForce, readPriceBookFile } from './read-price-book.ts';

export type WhatIfOptions = {
  readonly priceBook: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
};

/**
 * `gigameter what-if --price-book FILE`: what all accounts' usage would have cost by another book, and who
 * would have won and lost by it. Changes nothing. Rows come as they are computed, so that any number of
 * accounts needs the memory of a page.
 */
export async function whatIfCommand(
  { db, output, now }: { readonly db: Db; readonly output: Output; readonly now: Date },
  options: WhatIfOptions,
): Promise<number> {
  const priceBook = asInForce(await readPriceBookFile(options.priceBook));
  const window = {
    from: options.from === undefined ? 0n : instantOption('--from', options.from, now),
    to: instantOption('--to', options.to, now),
  };
  if (window.from >= window.to) {
    const message = `--from must be before --to (${formatSecond(window.to)})`;
    throw new Fault('invalid', 'invalid_option', message);
  }
  const print = options.json ? jsonPrinter(output) : tablePrinter(output);
  const sums = { winners: NOTHING, losers: NOTHING, same: NOTHING };
  print.head(window);
  await whatIf(db, {
    priceBook,
    window,
    onPage: (repriced, accountsSoFar) => {
      for (const one of repriced) {
        const kind = kindOf(one);
        sums[kind] = add(sums[kind], one);
        print.row(one, kind);
      }
      output.note(`accounts priced so far: ${accountsSoFar}`);
    },
  });
  print.sums(sums);
  return 0;
}

type Kind = 'winners' | 'losers' | 'same';
type Sum = { readonly accounts: number; readonly oldCents: Cents; readonly newCents: Cents };
type Sums = Readonly<Record<Kind, Sum>>;

const NOTHING: Sum = { accounts: 0, oldCents: 0n, newCents: 0n };

/** Who would have paid less has won. */
function kindOf({ oldCents, newCents }: Repriced): Kind {
  return newCents < oldCents ? 'winners' : newCents > oldCents ? 'losers' : 'same';
}

function add(sum: Sum, { oldCents, newCents }: Omit<Sum, 'accounts'>, accounts = 1): Sum {
  return {
    accounts: sum.accounts + accounts,
    oldCents: sum.oldCents + oldCents,
    newCents: sum.newCents + newCents,
  };
}

function totalOf({ winners, losers, same }: Sums): Sum {
  return [losers, same].reduce((sum, one) => add(sum, one, one.accounts), winners);
}

type Printer = {
  head(window: Window): void;
  row(one: Repriced, kind: Kind): void;
  sums(sums: Sums): void;
};

const AMOUNT_WIDTH = 18;

/** Amounts first, in columns of one width, and names last: it is aligned before all rows are known. */
function tablePrinter(output: Output): Printer {
  const line = (old: string, fresh: string, difference: string, ...rest: string[]): void =>
    output.data(
      `${[old, fresh, difference].map((cell) => cell.padStart(AMOUNT_WIDTH)).join('')}  ${rest.join('  ')}`,
    );
  const amounts = ({ oldCents, newCents }: Omit<Sum, 'accounts'>) =>
    [formatCents(oldCents), formatCents(newCents), formatCents(newCents - oldCents)] as const;
  return {
    head: () => line('old total', 'new total', 'difference', 'pays', 'account'),
    row: (one, kind) => line(...amounts(one), WORDS[kind], one.accountId),
    sums: (sums) => {
      output.data('');
      for (const kind of ['winners', 'losers', 'same'] as const) {
        line(...amounts(sums[kind]), WORDS[kind], `${sums[kind].accounts} accounts`);
      }
      const total = totalOf(sums);
      line(...amounts(total), 'all ', `${total.accounts} accounts`);
      output.data('');
      output.data(BASIS);
    },
  };
}

/** What the amounts are not. */
const BASIS =
  'Amounts are what usage costs: before credits, and before what is below the minimum charge is carried over or written off.';

/** Of one width. */
const WORDS: Readonly<Record<Kind, string>> = { winners: 'less', losers: 'more', same: 'same' };

/** One JSON document, written account by account. */
function jsonPrinter(output: Output): Printer {
  let isFirst = true;
  const amounts = ({ oldCents, newCents }: Omit<Sum, 'accounts'>) => ({
    old_cents: Number(oldCents),
    new_cents: Number(newCents),
    difference_cents: Number(newCents - oldCents),
  });
  const sumOf = ({ accounts, ...sum }: Sum) => ({ accounts, ...amounts(sum) });
  return {
    head: ({ from, to }) =>
      output.data(
        `{"basis": ${JSON.stringify(BASIS)}, "from": "${formatSecond(from)}", "to": "${formatSecond(to)}", "accounts": [`,
      ),
    row: (one) => {
      const json = JSON.stringify({ account: one.accountId, ...amounts(one) });
      output.data(isFirst ? json : `,${json}`);
      isFirst = false;
    },
    sums: (sums) => {
      const json = {
        winners: sumOf(sums.winners),
        losers: sumOf(sums.losers),
        same: sumOf(sums.same),
        total: sumOf(totalOf(sums)),
      };
      output.data(`], ${JSON.stringify(json).slice(1)}`);
    },
  };
}
