import type { Second } from '../../values/instant.ts';
import { compareBytes } from '../../values/text.ts';
import type { Meter } from '../series/level.ts';

/** Half-open: [from, to). Empty when `to` is not after `from`. */
export type Window = { readonly from: Second; readonly to: Second };

/** Replica-size-seconds of an app and its jobs, in tenths (R1, R13). */
export type AppUsage = { readonly app: string; readonly rssTenths: bigint };

/** Seconds a database existed at one size (R43). */
export type DatabaseUsage = {
  readonly app: string;
  readonly database: string;
  readonly sizeTenths: number;
  readonly seconds: bigint;
};

/** What one account used over one window. Only what was used, in a fixed order. */
export type Usage = {
  readonly apps: readonly AppUsage[];
  readonly databases: readonly DatabaseUsage[];
};

/** One resource's share of a window, as it comes from a series or a segment; `units` are the meter's. */
export type UsagePart = {
  readonly meter: Meter;
  readonly app: string;
  readonly resource: string;
  readonly sizeTenths: number;
  readonly units: bigint;
};

/** Adds parts up: an app with its jobs, a database per size. */
export function gatherUsage(parts: readonly UsagePart[]): Usage {
  const apps = new Map<string, AppUsage>();
  const databases = new Map<string, DatabaseUsage>();
  for (const part of parts) {
    if (part.units === 0n) continue;
    if (part.meter === 'database') {
      const { app, resource: database, sizeTenths } = part;
      const key = JSON.stringify([database, sizeTenths]);
      const seconds = (databases.get(key)?.seconds ?? 0n) + part.units;
      databases.set(key, { app, database, sizeTenths, seconds });
    } else {
      const rssTenths = (apps.get(part.app)?.rssTenths ?? 0n) + part.units;
      apps.set(part.app, { app: part.app, rssTenths });
    }
  }
  return {
    apps: [...apps.values()].toSorted((a, b) => compareBytes(a.app, b.app)),
    databases: [...databases.values()].toSorted(compareDatabases),
  };
}

function compareDatabases(a: DatabaseUsage, b: DatabaseUsage): number {
  return (
    compareBytes(a.app, b.app) ||
    compareBytes(a.database, b.database) ||
    a.sizeTenths - b.sizeTenths
  );
}
