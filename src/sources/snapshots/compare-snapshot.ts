import type { Instant } from '../../values/instant.ts';
import {
  reportedResources,
  resourceKey,
  type AccountSnapshot,
  type Resource,
  type State,
} from './snapshot.ts';

/** What the meter holds of a resource at an instant. */
export type Held = Resource & {
  /** Undefined when nothing of it ran then. */
  readonly state: State | undefined;
  /** Of its latest event by then; undefined when there was none. */
  readonly lastAt: Instant | undefined;
  /** The source of its latest report; what another source reports is never missed here. */
  readonly owner: string | undefined;
  /** Events about it can be recorded. */
  readonly isKnown: boolean;
};

/** A resource that runs otherwise than the meter holds. */
export type Difference = Resource & {
  readonly metered: State | undefined;
  readonly reported: State | undefined;
  readonly lastAt: Instant | undefined;
};

export type Comparison = {
  /** In the order of the accounts' names. */
  readonly differences: readonly Difference[];
  /** Apps of which nothing runs, unknown so far, whose databases do: these wait for nothing else. */
  readonly unknownApps: readonly Resource[];
  /** How many resources the meter holds as run by the source, and how many of them are missed. */
  readonly held: number;
  readonly missed: number;
};

/** Compares the whole state of a source with what the meter holds at the same instant. */
export function compareSnapshot(
  source: string,
  accounts: readonly AccountSnapshot[],
  held: readonly Held[],
): Comparison {
  const reported = reportedResources(accounts);
  const heldByKey = new Map(held.map((one) => [resourceKey(one), one]));
  const named = new Set(reported.map(resourceKey));
  const changed = reported.flatMap(({ state, ...resource }): Difference[] => {
    const known = heldByKey.get(resourceKey(resource));
    const now = running(state);
    if (isSame(known?.state, now)) return [];
    const { state: metered, lastAt } = known ?? { state: undefined, lastAt: undefined };
    return [{ ...resource, metered, reported: now, lastAt }];
  });
  const own = held.filter(({ state, owner }) => state !== undefined && owner === source);
  const missed = own
    .filter((one) => !named.has(resourceKey(one)))
    .map(({ account, kind, name, app, state, lastAt }): Difference => ({
      account,
      kind,
      name,
      app,
      lastAt,
      metered: state,
      reported: undefined,
    }));
  const differences = [...changed, ...missed].toSorted(byAccount);
  return {
    differences,
    unknownApps: unknownApps(differences, heldByKey),
    held: own.length,
    missed: missed.length,
  };
}

function running(state: State): State | undefined {
  return state.replicas === 0 ? undefined : state;
}

function isSame(a: State | undefined, b: State | undefined): boolean {
  return a?.replicas === b?.replicas && a?.sizeTenths === b?.sizeTenths;
}

function unknownApps(
  differences: readonly Difference[],
  held: ReadonlyMap<string, Held>,
): Resource[] {
  const known = new Set(
    differences.filter(({ kind }) => kind === 'app').map((one) => resourceKey(one)),
  );
  const unknown = new Map<string, Resource>();
  for (const { account, kind, app } of differences) {
    if (kind === 'app') continue;
    const resource: Resource = { account, kind: 'app', name: app, app };
    const key = resourceKey(resource);
    if (!known.has(key) && held.get(key)?.isKnown !== true) unknown.set(key, resource);
  }
  return [...unknown.values()];
}

function byAccount(a: Difference, b: Difference): number {
  return a.account < b.account ? -1 : a.account > b.account ? 1 : 0;
}
