import type { Tier } from '../accounts/account.ts';
import { DEFAULT_DATABASE_SIZE_TENTHS, FREE_APP_SIZE_TENTHS, fromTenths } from '../values/size.ts';
import { totalReplicas, type Change, type HeldApp, type Holdings } from './holdings.ts';

export type Limits = {
  /** Most replicas of one app, in every tier (R9). */
  readonly maxReplicas: number;
};

export type LimitCode =
  | 'account_unconfirmed'
  | 'too_many_replicas'
  | 'one_database_per_app'
  | 'free_instances'
  | 'free_app_size'
  | 'free_databases'
  | 'free_database_size'
  | 'free_database_rows';

export type LimitReason = { readonly code: LimitCode; readonly message: string };

/** R19, R20, R21. */
export const FREE_INSTANCES = 1;
export const FREE_DATABASES = 1;
export const FREE_DATABASE_SIZE_TENTHS = 6;
export const FREE_DATABASE_ROWS = 10_000;

/**
 * Why a change may not be made; none when it may. Used before anything happens: by commands, checks and
 * quotes. What already exceeds a limit may always be lowered, never raised.
 */
export function reasonsAgainst(
  holdings: Holdings,
  change: Change,
  { maxReplicas }: Limits,
): readonly LimitReason[] {
  switch (change.kind) {
    case 'create_app':
      return unconfirmed(holdings, 'apps');
    case 'scale_app':
      return scalingReasons(holdings, change, maxReplicas);
    case 'create_database':
      return [
        ...unconfirmed(holdings, 'databases'),
        ...secondOfApp(holdings, change.app),
        ...newFreeDatabase(holdings, change.sizeTenths),
      ];
    case 'resize_database':
      return resizingReasons(holdings, change);
  }
}

/** What a new app is asked to run: 1 × 0.2, or nothing while the free instance is taken (R12). */
export function newApp(account: {
  readonly tier: Tier;
  readonly isInstanceTaken: boolean;
}): Omit<HeldApp, 'app'> {
  const replicas = account.tier === 'FREE' && account.isInstanceTaken ? 0 : 1;
  return { replicas, sizeTenths: FREE_APP_SIZE_TENTHS };
}

/** The size of a database nobody gave a size (R45); the free tier's only one (R20). */
export const NEW_DATABASE_SIZE_TENTHS = DEFAULT_DATABASE_SIZE_TENTHS;

const UPGRADE = 'Upgrade the account to go beyond it.';

function unconfirmed(holdings: Holdings, what: string): LimitReason[] {
  if (holdings.isConfirmed) return [];
  const message = `An account whose e-mail address is not confirmed cannot create ${what}. Confirm it first.`;
  return [{ code: 'account_unconfirmed', message }];
}

function scalingReasons(holdings: Holdings, wanted: HeldApp, maxReplicas: number): LimitReason[] {
  const present = holdings.apps.find(({ app }) => app === wanted.app);
  const others = holdings.apps.filter(({ app }) => app !== wanted.app);
  const reasons: LimitReason[] = [];
  if (wanted.replicas > maxReplicas) {
    const message = `An app may run at most ${maxReplicas} replicas, not ${wanted.replicas}.`;
    reasons.push({ code: 'too_many_replicas', message });
  }
  if (holdings.tier !== 'FREE') return reasons;
  const isLowered =
    present !== undefined &&
    wanted.replicas <= present.replicas &&
    wanted.sizeTenths <= present.sizeTenths;
  if (isLowered) return reasons;
  if (wanted.sizeTenths !== FREE_APP_SIZE_TENTHS) {
    reasons.push({ code: 'free_app_size', message: freeAppSize(wanted.sizeTenths) });
  }
  const total = totalReplicas(others) + wanted.replicas;
  if (total > FREE_INSTANCES && wanted.replicas > (present?.replicas ?? 0)) {
    reasons.push({ code: 'free_instances', message: freeInstances(total) });
  }
  return reasons;
}

function secondOfApp(holdings: Holdings, app: string): LimitReason[] {
  const existing = holdings.databases.find((held) => held.app === app);
  if (existing === undefined) return [];
  const message = `App ${app} has a database already (${existing.database}). An app can have one at a time: delete it first.`;
  return [{ code: 'one_database_per_app', message }];
}

function newFreeDatabase(holdings: Holdings, sizeTenths: number): LimitReason[] {
  if (holdings.tier !== 'FREE') return [];
  const reasons: LimitReason[] = [];
  const count = holdings.databases.length + 1;
  if (count > FREE_DATABASES) {
    reasons.push({ code: 'free_databases', message: freeDatabases(count) });
  }
  if (sizeTenths !== FREE_DATABASE_SIZE_TENTHS) {
    reasons.push({ code: 'free_database_size', message: freeDatabaseSize(sizeTenths) });
  }
  return reasons;
}

function resizingReasons(
  holdings: Holdings,
  { database, sizeTenths }: { readonly database: string; readonly sizeTenths: number },
): LimitReason[] {
  const present = holdings.databases.find((held) => held.database === database);
  const isAllowed = sizeTenths === FREE_DATABASE_SIZE_TENTHS || sizeTenths === present?.sizeTenths;
  if (holdings.tier !== 'FREE' || isAllowed) return [];
  return [{ code: 'free_database_size', message: freeDatabaseSize(sizeTenths) }];
}

export function freeInstances(total: number): string {
  return `The free tier is limited to 1 instance over all apps; this makes it ${total}. ${UPGRADE}`;
}

export function freeAppSize(sizeTenths: number): string {
  return `The free tier is limited to size 0.2, not ${fromTenths(sizeTenths)}. ${UPGRADE}`;
}

export function freeDatabases(count: number): string {
  return `The free tier is limited to 1 database; this makes it ${count}. ${UPGRADE}`;
}

export function freeDatabaseSize(sizeTenths: number): string {
  return `The free tier is limited to databases of size 0.6, not ${fromTenths(sizeTenths)}. ${UPGRADE}`;
}

export function freeDatabaseRows(rows: bigint | number): string {
  return `The free tier is limited to 10,000 rows; the database has ${rows.toLocaleString('en-US')}. ${UPGRADE}`;
}
