import { tierAt, type Account, type Tier } from '../../accounts/account.ts';
import type { PriceBooksOf } from '../../pricing/account-price.ts';
import { priceBookAt } from '../../pricing/price-book.ts';
import { appCents, databaseCents } from '../../pricing/rates.ts';
import { add, fraction, sum, times, ZERO, type Fraction } from '../../values/fraction.ts';
import { groupBy } from '../../values/group.ts';
import { later, type Second } from '../../values/instant.ts';
import { periodAt } from '../../values/period.ts';
import type { Difference } from './compare-snapshot.ts';
import type { State } from './snapshot.ts';

/** Positive where more runs than is metered: too little is billed. */
export type PricedDifference = Difference & {
  readonly centsPerHour: Fraction;
  /**
   * The earliest instant at which it can have begun: the later of the resource's last event and the source's
   * last snapshot. Undefined when there is neither.
   */
  readonly since: Second | undefined;
  /** What it came to from `since` on, so at most: by the prices at the snapshot. */
  readonly misbilledCents: Fraction | undefined;
};

export type AccountDrift = {
  readonly account: string;
  /** Undefined for an account the meter does not know (yet). */
  readonly tier: Tier | undefined;
  /** Replica-size in tenths and databases that run beyond what is metered; negative where fewer do. */
  readonly replicaSizeTenths: bigint;
  readonly databases: number;
  readonly centsPerHour: Fraction;
  /** Undefined when it is unknown for one of the differences. */
  readonly misbilledCents: Fraction | undefined;
  readonly differences: readonly PricedDifference[];
};

export type DriftTerms = {
  readonly at: Second;
  readonly priceBooks: PriceBooksOf;
  readonly accounts: ReadonlyMap<string, Account>;
  /** Of the source's last snapshot before this one; the two agreed then. */
  readonly lastSnapshotAt: Second | undefined;
};

/** What differences are worth, account by account, the dearest first. */
export function driftOf(
  differences: readonly Difference[],
  terms: DriftTerms,
): readonly AccountDrift[] {
  const byAccount = groupBy(differences, ({ account }) => account);
  return [...byAccount]
    .map(([account, ofAccount]) => accountDrift(account, ofAccount, terms))
    .toSorted((a, b) => compareSize(b.centsPerHour, a.centsPerHour));
}

function accountDrift(
  accountId: string,
  differences: readonly Difference[],
  terms: DriftTerms,
): AccountDrift {
  const account = terms.accounts.get(accountId);
  const priced = differences.map((one) => priceDifference(one, account, terms));
  const unknown = priced.some(({ misbilledCents }) => misbilledCents === undefined);
  return {
    account: accountId,
    tier: account === undefined ? undefined : tierAt(account, terms.at),
    replicaSizeTenths: priced
      .filter(({ kind }) => kind === 'app')
      .reduce((total, { metered, reported }) => total + levelOf(reported) - levelOf(metered), 0n),
    databases: priced
      .filter(({ kind }) => kind === 'database')
      .reduce((n, { metered, reported }) => n + countOf(reported) - countOf(metered), 0),
    centsPerHour: sumByKind(priced, ({ centsPerHour }) => centsPerHour),
    misbilledCents: unknown
      ? undefined
      : sumByKind(priced, ({ misbilledCents }) => misbilledCents ?? ZERO),
    differences: priced,
  };
}

/** The prices of one kind share a denominator, so that sums of thousands of them stay small. */
function sumByKind(
  priced: readonly PricedDifference[],
  centsOf: (one: PricedDifference) => Fraction,
): Fraction {
  const of = (kind: Difference['kind']): Fraction =>
    sum(priced.filter((one) => one.kind === kind).map(centsOf));
  return add(of('app'), of('database'));
}

const HOUR_SECONDS = 3600n;

function priceDifference(
  difference: Difference,
  account: Account | undefined,
  terms: DriftTerms,
): PricedDifference {
  const { at, lastSnapshotAt } = terms;
  const last = difference.lastAt?.second;
  const since =
    last === undefined || lastSnapshotAt === undefined
      ? (last ?? lastSnapshotAt)
      : later(last, lastSnapshotAt);
  if (account === undefined || isFree(account, at)) {
    return { ...difference, centsPerHour: ZERO, since, misbilledCents: ZERO };
  }
  const cents = (seconds: bigint): Fraction => differenceCents(difference, account, terms, seconds);
  const seconds = since === undefined ? undefined : at - later(since, account.upgradedAt!);
  return {
    ...difference,
    centsPerHour: cents(HOUR_SECONDS),
    since,
    misbilledCents: seconds === undefined ? undefined : cents(seconds < 0n ? 0n : seconds),
  };
}

function isFree(account: Account, at: Second): boolean {
  const isDeleted = account.deletedAt !== undefined && account.deletedAt <= at;
  return isDeleted || tierAt(account, at) === 'FREE';
}

function differenceCents(
  { kind, metered, reported }: Difference,
  { id, signedUpAt }: Account,
  { at, priceBooks }: DriftTerms,
  seconds: bigint,
): Fraction {
  const priceBook = priceBookAt(priceBooks(id), at);
  if (kind === 'app') {
    return appCents(priceBook, (levelOf(reported) - levelOf(metered)) * seconds);
  }
  const period = periodAt(signedUpAt, at);
  const cents = (state: State | undefined): Fraction =>
    state === undefined
      ? ZERO
      : databaseCents(priceBook, period, { sizeTenths: state.sizeTenths, seconds });
  return add(cents(reported), times(cents(metered), -1n));
}

function levelOf(state: State | undefined): bigint {
  return state === undefined ? 0n : BigInt(state.replicas) * BigInt(state.sizeTenths);
}

function countOf(state: State | undefined): number {
  return state === undefined ? 0 : 1;
}

function compareSize(a: Fraction, b: Fraction): number {
  const [first, second] = [magnitude(a), magnitude(b)];
  const difference = first.numerator * second.denominator - second.numerator * first.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function magnitude({ numerator, denominator }: Fraction): Fraction {
  return fraction(numerator < 0n ? -numerator : numerator, denominator);
}
