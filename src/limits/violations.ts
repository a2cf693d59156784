import type { Event, EventOf } from '../events/event.ts';
import { FREE_APP_SIZE_TENTHS } from '../values/size.ts';
import {
  FREE_DATABASES,
  FREE_DATABASE_SIZE_TENTHS,
  FREE_INSTANCES,
  freeAppSize,
  freeDatabases,
  freeDatabaseSize,
  freeInstances,
  type LimitReason,
} from './rules.ts';

/** What ran beside a reported change, just before it; only what ran. */
export type Beside = {
  /** Replicas of the account's other apps, or number of its other databases. */
  readonly others: number;
  /** The changed app or database itself, if it ran. */
  readonly previous: { readonly count: number; readonly sizeTenths: number } | undefined;
};

/** Facts that set what an account runs; the others cannot exceed a limit. */
export type LevelEvent = EventOf<
  'app.deployed' | 'app.scaled' | 'database.available' | 'database.resized'
>;

const LEVEL_TYPES: ReadonlySet<string> = new Set<LevelEvent['fact']['type']>([
  'app.deployed',
  'app.scaled',
  'database.available',
  'database.resized',
]);

export function isLevelEvent(event: Event): event is LevelEvent {
  return LEVEL_TYPES.has(event.fact.type);
}

/**
 * The limits of the free tier that a reported fact exceeds (R22). A fact that repeats what was so before
 * exceeds nothing anew.
 */
export function violationsOf({ fact }: LevelEvent, { others, previous }: Beside): LimitReason[] {
  const isApp = 'replicas' in fact;
  const count = isApp ? fact.replicas : 1;
  const { sizeTenths } = fact;
  if (count === 0) return [];
  if (previous?.count === count && previous.sizeTenths === sizeTenths) return [];
  const total = others + count;
  const reasons: LimitReason[] = [];
  if (isApp) {
    if (total > FREE_INSTANCES) {
      reasons.push({ code: 'free_instances', message: freeInstances(total) });
    }
    if (sizeTenths !== FREE_APP_SIZE_TENTHS) {
      reasons.push({ code: 'free_app_size', message: freeAppSize(sizeTenths) });
    }
    return reasons;
  }
  if (total > FREE_DATABASES) {
    reasons.push({ code: 'free_databases', message: freeDatabases(total) });
  }
  if (sizeTenths !== FREE_DATABASE_SIZE_TENTHS) {
    reasons.push({ code: 'free_database_size', message: freeDatabaseSize(sizeTenths) });
  }
  return reasons;
}
