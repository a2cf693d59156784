import type { Selectable } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Source as SourceTable } from '../database/tables.ts';
import { toDate } from '../values/instant.ts';

/**
 * What becomes of a silent source's levels. `hold`: they stay. `close`: they end when the silence began, and
 * come back when the source is heard again. `flag`: they stay, and its accounts are told.
 */
export const POLICIES = ['hold', 'close', 'flag'] as const;
export type Policy = (typeof POLICIES)[number];

export type Source = {
  readonly source: string;
  /** Within some seconds; undefined when it was never heard. */
  readonly lastHeardAt: Date | undefined;
  /** Undefined when nothing is expected of it. */
  readonly expectedEverySeconds: number | undefined;
  readonly policy: Policy;
  /** Since when it should have been heard; undefined while it is not silent. */
  readonly silentSince: Date | undefined;
};

export type Expectation = Pick<Source, 'source' | 'expectedEverySeconds' | 'policy'>;

/** Shorter ones could not be told from the seconds by which "last heard" is late. */
export const LEAST_EXPECTED_SECONDS = 60;
export const MOST_EXPECTED_SECONDS = 31 * 86_400;

/** All sources that were ever heard or are expected, by name. */
export async function listSources(db: Db): Promise<readonly Source[]> {
  const rows = await db.selectFrom('source').selectAll().orderBy('source').execute();
  return rows.map(toSource);
}

/** Sets what is expected of a source, also before it is heard first. Safe to repeat. */
export async function expectSource(db: Db, now: Date, expectation: Expectation): Promise<Source> {
  const { source, expectedEverySeconds = null, policy } = expectation;
  const expected = {
    expected_every_seconds: expectedEverySeconds,
    expected_since: expectedEverySeconds === null ? null : now,
    policy,
  };
  const row = await db
    .insertInto('source')
    .values({ source, ...expected })
    .onConflict((conflict) => conflict.column('source').doUpdateSet(expected))
    .returningAll()
    .executeTakeFirstOrThrow();
  return toSource(row);
}

function toSource(row: Selectable<SourceTable>): Source {
  return {
    source: row.source,
    lastHeardAt: row.last_heard_at ?? undefined,
    expectedEverySeconds: row.expected_every_seconds ?? undefined,
    policy: POLICIES.find((policy) => policy === row.policy)!,
    silentSince: row.silent_since === null ? undefined : toDate(row.silent_since),
  };
}
