import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { groupBy } from '../values/group.ts';
import { toJson } from '../values/text.ts';
import type { Refusal } from './refusal.ts';

export type QuarantinedEvent = { readonly reported: unknown; readonly refusal: Refusal };

/**
 * Keeps refused events with the reason, for people to read. The same content again is only counted. Rows are
 * taken in the order of their digests: two batches with the same bad events cannot deadlock.
 */
export async function quarantine(
  db: Db,
  now: Date,
  events: readonly QuarantinedEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = [...groupBy(events.map(toRow), ({ digest }) => digest).values()].map((same) => ({
    ...same[0]!,
    times: same.length,
  }));
  await sql`
    insert into quarantined_event (digest, account_id, source, event_id, code, field, value, rule,
      reported, times_seen, first_seen_at, last_seen_at)
    select decode(digest, 'hex'), account_id, source, event_id, code, field, value, rule, reported,
      times, ${now}::timestamptz, ${now}::timestamptz
    from unnest(
      ${textArray(rows.map((row) => row.digest))}::text[],
      ${textArray(rows.map((row) => row.account))}::text[],
      ${textArray(rows.map((row) => row.source))}::text[],
      ${textArray(rows.map((row) => row.id))}::text[],
      ${textArray(rows.map((row) => row.code))}::text[],
      ${textArray(rows.map((row) => row.field))}::text[],
      ${textArray(rows.map((row) => row.value))}::text[],
      ${textArray(rows.map((row) => row.rule))}::text[],
      ${textArray(rows.map((row) => row.text))}::text[],
      ${numberArray(rows.map((row) => row.times))}::bigint[]
    ) as refused (digest, account_id, source, event_id, code, field, value, rule, reported, times)
    order by digest
    on conflict (digest) do update set
      times_seen = quarantined_event.times_seen + excluded.times_seen,
      last_seen_at = excluded.last_seen_at`.execute(db);
}

function toRow({ reported, refusal }: QuarantinedEvent) {
  const text = toJson(reported) ?? 'undefined';
  const digest = createHash('sha256').update(text).digest('hex');
  return { digest, text, ...identityIn(reported), ...refusal };
}

type Identity = {
  readonly account: string | null;
  readonly source: string | null;
  readonly id: string | null;
};

/** As much of the identity as can be made out of content that was refused. */
function identityIn(reported: unknown): Identity {
  const head = isRecord(reported) ? reported : {};
  const data = isRecord(head.data) ? head.data : {};
  return { account: storable(data.account), source: storable(head.source), id: storable(head.id) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** PostgreSQL's text holds no NUL. */
function storable(value: unknown): string | null {
  return typeof value === 'string' && !value.includes('\0') ? value.slice(0, 200) : null;
}
