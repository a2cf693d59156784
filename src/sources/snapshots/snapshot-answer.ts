import { fraction, roundHalfUp, times, type Fraction } from '../../values/fraction.ts';
import { formatInstant, formatSecond } from '../../values/instant.ts';
import { formatTenths, fromTenths } from '../../values/size.ts';
import type { SnapshotResult } from './apply-snapshot.ts';
import type { AccountDrift, PricedDifference } from './drift.ts';
import type { State } from './snapshot.ts';

/** What is listed of a big drift: the dearest accounts, and the first of each one's differences. */
const MOST_ACCOUNTS = 1000;
const MOST_DIFFERENCES = 100;

export type SnapshotAnswer = ReturnType<typeof snapshotAnswer>;

/** What a snapshot showed and did, as all ways in tell it. Dollars are decimal strings, positive where too little is billed. */
export function snapshotAnswer(result: SnapshotResult) {
  const { drift, suspicion } = result;
  return {
    source: result.source,
    taken_at: formatInstant(result.takenAt),
    dry_run: result.isDryRun,
    resources: { reported: result.reported, metered: result.held, missed: result.missed },
    corrections: result.corrections,
    refusals: [...result.refusals],
    too_small: suspicion ?? null,
    usd_per_hour: formatUnits(drift.reduce((sum, one) => sum + unitsOf(one.centsPerHour), 0n)),
    accounts_with_drift: drift.length,
    accounts: drift.slice(0, MOST_ACCOUNTS).map(accountToJson),
  };
}

function accountToJson(drift: AccountDrift) {
  return {
    account: drift.account,
    tier: drift.tier ?? null,
    replica_size: formatTenths(drift.replicaSizeTenths),
    databases: drift.databases,
    usd_per_hour: usd(drift.centsPerHour),
    misbilled_usd: drift.misbilledCents === undefined ? null : usd(drift.misbilledCents),
    differences: drift.differences.slice(0, MOST_DIFFERENCES).map(differenceToJson),
    differences_in_all: drift.differences.length,
  };
}

function differenceToJson(one: PricedDifference) {
  return {
    app: one.app,
    database: one.kind === 'database' ? one.name : null,
    metered: stateToJson(one.metered),
    reported: stateToJson(one.reported),
    usd_per_hour: usd(one.centsPerHour),
    since: one.since === undefined ? null : formatSecond(one.since),
    misbilled_usd: one.misbilledCents === undefined ? null : usd(one.misbilledCents),
  };
}

function stateToJson(state: State | undefined) {
  if (state === undefined) return null;
  return { replicas: state.replicas, size: fromTenths(state.sizeTenths) };
}

const USD_DECIMALS = 8;

/** Dollars at a hundred-millionth each; an hour of the smallest app costs thousands of them. */
function unitsOf(cents: Fraction): bigint {
  const { numerator, denominator } = times(cents, 10n ** BigInt(USD_DECIMALS));
  return roundHalfUp(fraction(numerator, denominator * 100n));
}

function usd(cents: Fraction): string {
  return formatUnits(unitsOf(cents));
}

function formatUnits(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(USD_DECIMALS + 1, '0');
  const sign = units < 0n ? '-' : '';
  return `${sign}${digits.slice(0, -USD_DECIMALS)}.${digits.slice(-USD_DECIMALS)}`;
}
