import { formatInstant, type Instant } from '../../values/instant.ts';

/** All that a source runs at an instant. What it does not name, it does not run. */
export type Snapshot = {
  readonly source: string;
  readonly takenAt: Instant;
  /** Since when the differences are taken to have been there; `takenAt` when not told. */
  readonly since: Instant | undefined;
  readonly accounts: readonly AccountSnapshot[];
};

export type AccountSnapshot = {
  readonly account: string;
  readonly apps: readonly {
    readonly app: string;
    readonly replicas: number;
    readonly sizeTenths: number;
  }[];
  readonly databases: readonly {
    readonly app: string;
    readonly database: string;
    readonly sizeTenths: number;
  }[];
};

/** One thing that can run; databases are named by their account, as in events. */
export type Resource = {
  readonly account: string;
  readonly kind: 'app' | 'database';
  readonly name: string;
  /** The app itself, or the database's. */
  readonly app: string;
};

/** What a resource runs at; a database counts as one replica. */
export type State = { readonly replicas: number; readonly sizeTenths: number };

export function resourceKey({
  account,
  kind,
  name,
}: Pick<Resource, 'account' | 'kind' | 'name'>): string {
  return JSON.stringify([account, kind, name]);
}

/** All resources a snapshot names, with their states, those at 0 replicas too. */
export function reportedResources(
  accounts: readonly AccountSnapshot[],
): (Resource & { readonly state: State })[] {
  return accounts.flatMap(({ account, apps, databases }) => [
    ...apps.map(({ app, replicas, sizeTenths }) => ({
      account,
      kind: 'app' as const,
      name: app,
      app,
      state: { replicas, sizeTenths },
    })),
    ...databases.map(({ app, database, sizeTenths }) => ({
      account,
      kind: 'database' as const,
      name: database,
      app,
      state: { replicas: 1, sizeTenths },
    })),
  ]);
}

export function nameOfSnapshot({ source, takenAt }: Pick<Snapshot, 'source' | 'takenAt'>): string {
  return `the snapshot of ${JSON.stringify(source)} at ${formatInstant(takenAt)}`;
}
