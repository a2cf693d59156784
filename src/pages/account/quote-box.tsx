import type { VNode } from 'preact';
import { z } from 'zod';
import { tierAt, type Account, type Tier } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import { runningPeriod } from '../../invoicing/preview-bill.ts';
import { quoteChange, type Cost, type Quote } from '../../invoicing/quote.ts';
import type { Change } from '../../limits/holdings.ts';
import { reasonsAgainst, type LimitReason, type Limits } from '../../limits/rules.ts';
import { levelsOf } from '../../metering/levels-store.ts';
import { holdingsOf, readDesired, type DesiredState } from '../../platform/desired-state.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { formatFraction, fraction } from '../../values/fraction.ts';
import type { Second } from '../../values/instant.ts';
import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../../values/size.ts';
import { Table } from '../html/parts.tsx';
import { Money } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import type { Bill } from './load-bill.ts';

const NEW_APP = 'new-app';
const NEW_DATABASE = 'new-database';
const MOST_REPLICAS = 1_000_000;

/** What is asked: an app or database by its name behind `app:` or `database:`, or a new one. */
export const quoteQuery = z.object({
  what: z.string().max(220),
  replicas: z.coerce.number().int().min(0).max(MOST_REPLICAS).catch(1),
  size: z.coerce.number(),
});
type Asked = z.output<typeof quoteQuery>;

export type QuoteAnswer =
  | {
      readonly asked: Asked;
      readonly tier: Tier;
      readonly quote: Quote;
      readonly reasons: readonly LimitReason[];
    }
  | { readonly asked: Asked; readonly mistake: string }
  | undefined;

/** By the rules and prices of POST /v1/…/quote; in the free tier as if upgraded, where prices begin. */
export async function answerQuote(
  db: Db,
  account: Account,
  asked: Asked,
  at: Second,
  limits: Limits,
): Promise<QuoteAnswer> {
  const desired = await readDesired(db, account.id);
  const change = changeOf(asked, desired);
  if (typeof change === 'string') return { asked, mistake: change };
  const tier = tierAt(account, at);
  const terms = {
    tier: 'STANDARD' as const,
    priceBooks: await priceBooksOf(db, account.id),
    period: runningPeriod(account, at),
    at,
  };
  const reasons = reasonsAgainst(holdingsOf(account, desired, at), change, limits);
  return {
    asked,
    tier,
    reasons,
    quote: quoteChange(await levelsOf(db, account.id), change, terms),
  };
}

function changeOf({ what, replicas, size }: Asked, desired: DesiredState): Change | string {
  const [, kind = '', name = ''] = /^(app|database):([^]+)$/.exec(what) ?? [];
  if (kind === 'app' || what === NEW_APP) {
    if (!isAppSize(size)) return `The size of an app is ${APP_SIZE_RULE}.`;
    return { kind: 'scale_app', app: name, replicas, sizeTenths: toTenths(size) };
  }
  if (kind !== 'database' && what !== NEW_DATABASE) return 'Choose an app or a database.';
  if (!isDatabaseSize(size)) return `The size of a database is ${DATABASE_SIZE_RULE}.`;
  if (what === NEW_DATABASE) {
    return { kind: 'create_database', app: '', sizeTenths: toTenths(size) };
  }
  const isThere = desired.databases.some((one) => one.database === name && one.state !== 'DELETED');
  if (!isThere) return 'This database is not there any more.';
  return { kind: 'resize_database', database: name, sizeTenths: toTenths(size) };
}

export function QuoteBox({
  bill: { account, desired },
  answer,
}: {
  readonly bill: Bill;
  readonly answer: QuoteAnswer;
}): VNode {
  const path = accountPath(account.id);
  const asked = answer?.asked;
  const databases = desired.databases.filter(({ state }) => state !== 'DELETED');
  const option = (value: string, label: string): VNode => (
    <option key={value} value={value} selected={value === asked?.what}>
      {label}
    </option>
  );
  return (
    <>
      <form class="row" method="get" action={`${path}#quote`} data-quote={`${path}/quote`}>
        <label>
          What if
          <select name="what">
            {option(NEW_APP, 'a new app')}
            {desired.apps.map(({ app }) => option(`app:${app}`, `app ${app}`))}
            {option(NEW_DATABASE, 'a new database')}
            {databases.map(({ database }) =>
              option(`database:${database}`, `database ${database}`),
            )}
          </select>
        </label>
        <label>
          replicas
          <input
            name="replicas"
            type="number"
            min="0"
            max="1000"
            step="1"
            value={asked?.replicas ?? 3}
            required
          />
        </label>
        <label>
          size
          <input
            name="size"
            type="number"
            min="0.2"
            max="128"
            step="0.1"
            value={asked?.size ?? 0.5}
            required
          />
        </label>
        <button>Show</button>
      </form>
      <div id="quote-answer" aria-live="polite">
        {answer === undefined ? null : <Answer answer={answer} />}
      </div>
    </>
  );
}

export function Answer({ answer }: { readonly answer: NonNullable<QuoteAnswer> }): VNode {
  if ('mistake' in answer) return <p class="alert warn">{answer.mistake}</p>;
  const { tier, reasons, quote } = answer;
  const right = { align: 'right' } as const;
  const row = (label: string, pick: (cost: Cost) => bigint): (VNode | string)[] => [
    label,
    <Money cents={pick(quote.present)} />,
    <Money cents={pick(quote.proposed)} />,
    <Money cents={pick(quote.proposed) - pick(quote.present)} />,
  ];
  return (
    <>
      {tier === 'FREE' ? (
        <p class="note">
          In the free tier everything is free; this is what it costs after an upgrade.
        </p>
      ) : null}
      {reasons.length === 0 ? null : (
        <p class="alert warn">{reasons.map(({ message }) => message).join(' ')}</p>
      )}
      <Table
        label="The quote"
        columns={[
          { title: 'All that runs' },
          { title: 'as now', ...right },
          { title: 'then', ...right },
          { title: 'difference', ...right },
        ]}
        rows={[
          ['per hour', perHour(quote.present), perHour(quote.proposed), ''],
          row('for the rest of this period', ({ restOfPeriodCents }) => restOfPeriodCents),
          row('for a whole period', ({ fullPeriodCents }) => fullPeriodCents),
        ]}
        empty=""
      />
    </>
  );
}

function perHour({ centsPerHour: { numerator, denominator } }: Cost): string {
  return `$${formatFraction(fraction(numerator, denominator * 100n), 4)}`;
}
