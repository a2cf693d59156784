import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Refusal } from './refusal.ts';

export type QuarantinedEvent = { readonly reported: unknown; readonly refusal: Refusal };

/** Keeps refused events with the reason, for people to read. The same content again is only counted. */
export async function quarantine(
  db: Db,
  now: Date,
  events: readonly QuarantinedEvent[],
): Promise<void> {
  for (const { reported, refusal } of events) {
    const text = JSON.stringify(reported) ?? 'undefined';
    const identity = identityIn(reported);
    await db
      .insertInto('quarantined_event')
      .values({
        digest: createHash('sha256').update(text).digest(),
        account_id: identity.account,
        source: identity.source,
        event_id: identity.id,
        code: refusal.code,
        field: refusal.field,
        value: refusal.value,
        rule: refusal.rule,
        reported: text,
        first_seen_at: now,
        last_seen_at: now,
      })
      .onConflict((conflict) =>
        conflict.column('digest').doUpdateSet({
          times_seen: sql`quarantined_event.times_seen + 1`,
          last_seen_at: now,
        }),
      )
      .execute();
  }
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
