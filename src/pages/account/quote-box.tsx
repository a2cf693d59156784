import type { VNode } from 'preact';
import { z } from 'zod';
import { tierAt, type Account, type Tier } from '../../accounts/account.ts';
import { runningPeriod } from '../../invoicing/previews/preview-bill.ts';
import { quoteChange, type Cost, type Quote } from '../../invoicing/previews/quote.ts';
import type { Change } from '../../limits/holdings.ts';
import { reasonsAgainst, type LimitReason, type Limits } from '../../limits/rules.ts';
import { holdingsOf, runningOf, type DesiredState } from '../../platform/desired-state.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { formatFraction, fraction, roundHalfUp, times } from '../../values/fraction.ts';
import type { Second } from '../../values/instant.ts';
import { formatCents } from '../../values/money.ts';
import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../../values/size.ts';
import { Table } from '../html/parts.tsx';
import { isolated, Name, shortened } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import type { Bill } from './load-bill.ts';

const NEW_APP = 'new-app';
const NEW_DATABASE = 'new-database';
const MOST_REPLICAS = 1_000_000;
/** Of more apps and databases the one is named, not chosen: so that a page stays small. */
const MOST_OPTIONS = 25;

/** A name and what is before it, counted in halves of characters. */
const text = z.string().max(420);

/** What is asked: a new app or database, or one by its name, behind `app:` or `database:` or beside it. */
export const quoteQuery = z.object({
  what: text,
  name: text.optional(),
  replicas: text.optional(),
  size: text,
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

type Present = {
  readonly account: Account;
  readonly desired: DesiredState;
  readonly priceBooks: readonly PriceBook[];
  readonly at: Second;
  readonly limits: Limits;
};

/** By the rules and prices of POST /v1/…/quote; in the free tier as if upgraded, where prices begin. */
export function answerQuote(
  { account, desired, priceBooks, at, limits }: Present,
  asked: Asked,
): NonNullable<QuoteAnswer> {
  const change = changeOf(asked, desired);
  if (typeof change === 'string') return { asked, mistake: change };
  const tier = tierAt(account, at);
  const period = runningPeriod(account, at);
  const reasons = reasonsAgainst(holdingsOf(account, desired, at), change, limits);
  const terms = { tier: 'STANDARD' as const, priceBooks, period, at };
  return { asked, tier, reasons, quote: quoteChange(runningOf(desired), change, terms) };
}

function changeOf(asked: Asked, desired: DesiredState): Change | string {
  const [, kind = asked.what, name = asked.name ?? ''] =
    /^(app|database):([^]+)$/.exec(asked.what) ?? [];
  const size = numberIn(asked.size);
  if (kind === 'app' || kind === NEW_APP) {
    const replicas = numberIn(asked.replicas ?? '');
    const isThere = desired.apps.some(({ app }) => app === name);
    if (kind === 'app' && !isThere) return `There is no app ${isolated(name)}.`;
    if (!(Number.isInteger(replicas) && replicas >= 0 && replicas <= MOST_REPLICAS)) {
      return `Replicas are a whole number from 0 to ${MOST_REPLICAS.toLocaleString('en-US')}.`;
    }
    if (!isAppSize(size)) return `The size of an app is ${APP_SIZE_RULE}.`;
    return { kind: 'scale_app', app: isThere ? name : '', replicas, sizeTenths: toTenths(size) };
  }
  if (kind !== 'database' && kind !== NEW_DATABASE) return 'Choose an app or a database.';
  if (!isDatabaseSize(size)) return `The size of a database is ${DATABASE_SIZE_RULE}.`;
  const sizeTenths = toTenths(size);
  if (kind === NEW_DATABASE) return { kind: 'create_database', app: '', sizeTenths };
  const isThere = desired.databases.some((one) => one.database === name && one.state !== 'DELETED');
  if (!isThere) return `There is no database ${isolated(name)}.`;
  return { kind: 'resize_database', database: name, sizeTenths };
}

function numberIn(written: string): number {
  return written.trim() === '' ? Number.NaN : Number(written);
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
  const areMany = desired.apps.length + databases.length > MOST_OPTIONS;
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
            {areMany
              ? option('app', 'the app named')
              : desired.apps.map(({ app }) =>
                  option(`app:${app}`, `app ${isolated(shortened(app, 60))}`),
                )}
            {option(NEW_DATABASE, 'a new database')}
            {areMany
              ? option('database', 'the database named')
              : databases.map(({ database }) =>
                  option(`database:${database}`, `database ${isolated(shortened(database, 60))}`),
                )}
          </select>
        </label>
        {areMany ? (
          <label>
            Name
            <input name="name" value={asked?.name} />
          </label>
        ) : null}
        <label>
          Replicas
          <input
            name="replicas"
            type="number"
            min="0"
            step="1"
            value={asked === undefined ? 3 : asked.replicas}
          />
        </label>
        <label>
          Size in GB
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
  if ('mistake' in answer) {
    return (
      <p class="alert warn">
        <Name>{answer.mistake}</Name>
      </p>
    );
  }
  const { tier, reasons, quote } = answer;
  const right = { align: 'right' } as const;
  const row = (
    label: string,
    pick: (cost: Cost) => bigint,
    show: (amount: bigint) => string = formatCents,
  ): string[] => {
    const [now, then] = [pick(quote.present), pick(quote.proposed)];
    return [label, show(now), show(then), show(then - now)];
  };
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
          { title: 'Now', ...right },
          { title: 'Then', ...right },
          { title: 'Difference', ...right },
        ]}
        rows={[
          row('per hour', perHour, formatHourly),
          row('for the rest of this period', ({ restOfPeriodCents }) => restOfPeriodCents),
          row('for a whole period', ({ fullPeriodCents }) => fullPeriodCents),
        ]}
        empty=""
      />
    </>
  );
}

/** In hundredths of a cent. */
function perHour({ centsPerHour }: Cost): bigint {
  return roundHalfUp(times(centsPerHour, 100n));
}

function formatHourly(hundredths: bigint): string {
  const [sign, amount] = hundredths < 0n ? ['-', -hundredths] : ['', hundredths];
  return `${sign}$${formatFraction(fraction(amount, 10_000n), 4)}`;
}
