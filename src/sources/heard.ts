import { sql } from 'kysely';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { Outcome } from '../events/outcome.ts';
import type { RecordEvents } from '../metering/record-events.ts';
import { isIdentifier } from '../values/identifier.ts';

/** A source that was noted less than this ago is not noted again: its row would be written by every batch. */
const NOTED_EVERY_MS = 10_000;

/**
 * Records as `record` does, and notes whom it heard: after the commit, so that no batch waits for another
 * one's row, and not each time. Repeats count, for they show that a source lives; what was refused does not.
 * What was noted is remembered per process.
 */
export function noticing(db: Db, record: RecordEvents): RecordEvents {
  const notedAt = new Map<string, number>();
  return async (now, reported) => {
    const outcomes = await record(now, reported);
    const sources = sourcesIn(reported, outcomes).filter((source) => {
      const last = notedAt.get(source);
      return last === undefined || Math.abs(now.getTime() - last) >= NOTED_EVERY_MS;
    });
    if (sources.length === 0) return outcomes;
    await noteHeard(db, now, sources);
    for (const source of sources) notedAt.set(source, now.getTime());
    return outcomes;
  };
}

/** Notes that sources were heard of at `now`. Safe to repeat, in any order. */
export async function noteHeard(db: Db, now: Date, sources: readonly string[]): Promise<void> {
  await sql`
    /* prepare note_heard */
    insert into source (source, first_heard_at, last_heard_at)
    select source, ${now}::timestamptz, ${now}::timestamptz
    from unnest(${textArray(sources)}::text[]) as source order by source
    on conflict (source) do update set
      first_heard_at = coalesce(source.first_heard_at, excluded.first_heard_at),
      last_heard_at = excluded.last_heard_at,
      heard_again_at = case when source.silent_since is not null
        then coalesce(source.heard_again_at, excluded.last_heard_at) end
    where source.last_heard_at is null or source.last_heard_at < excluded.last_heard_at`.execute(
    db,
  );
}

function sourcesIn(reported: readonly unknown[], outcomes: readonly Outcome[]): string[] {
  const sources = new Set<string>();
  for (const [index, one] of reported.entries()) {
    if (outcomes[index]!.status === 'refused') continue;
    if (typeof one !== 'object' || one === null || !('source' in one)) continue;
    if (isIdentifier(one.source)) sources.add(one.source);
  }
  return [...sources];
}
