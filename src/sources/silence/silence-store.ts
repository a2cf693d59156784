import { sql } from 'kysely';
import { addSignals, NO_ACCOUNT } from '../../accounts/signals.ts';
import type { Db } from '../../database/pool.ts';
import { formatSecond, toSecond, type Second } from '../../values/instant.ts';
import type { Policy } from '../source-store.ts';
import { endFlags } from './unconfirmed.ts';

export type Silence = {
  readonly source: string;
  /** The first instant at which a report was overdue. */
  readonly beganAt: Second;
  readonly policy: Policy;
};

export type EndedSilence = Silence & { readonly heardAgainAt: Second };

/** Begins the silences of sources that are overdue, each once, and tells the platform. */
export async function beginSilences(db: Db, now: Date): Promise<readonly Silence[]> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const { rows: begun } = await sql<Silence>`
        update source set heard_again_at = null, silent_since = expected_every_seconds
          + floor(extract(epoch from greatest(last_heard_at, expected_since)))::bigint
        where silent_since is null and greatest(last_heard_at, expected_since)
          < ${now}::timestamptz - make_interval(secs => expected_every_seconds)
        returning source, silent_since as "beganAt", policy`.execute(tx);
      if (begun.length === 0) return begun;
      await tx
        .insertInto('source_silence')
        .values(
          begun.map(({ source, beganAt, policy }) => ({
            source,
            policy,
            found_at: now,
            began_at: beganAt,
          })),
        )
        .execute();
      await addSignals(tx, now, begun.map(signalOf('source.silent')));
      return begun;
    });
}

/** The silences whose policy is not carried out yet. */
export async function listUnsettled(db: Db): Promise<readonly Silence[]> {
  const { rows } = await sql<Silence>`
    select source, began_at as "beganAt", policy from source_silence
    where settled_at is null order by source, began_at`.execute(db);
  return rows;
}

/** Answers whether it was not settled before; others wait until this transaction ends. */
export async function noteSettled(
  tx: Db,
  now: Date,
  { source, beganAt }: Silence,
): Promise<boolean> {
  const settled = await tx
    .updateTable('source_silence')
    .set({ settled_at: now })
    .where('source', '=', source)
    .where('began_at', '=', beganAt)
    .where('settled_at', 'is', null)
    .returning('source')
    .executeTakeFirst();
  return settled !== undefined;
}

/** Settled silences whose source was heard again at `before` or earlier. */
export async function listEnding(db: Db, before: Date): Promise<readonly EndedSilence[]> {
  const { rows } = await sql<Silence & { readonly heardAgainAt: Date }>`
    select source, silence.began_at as "beganAt", silence.policy,
      source.heard_again_at as "heardAgainAt"
    from source join source_silence silence using (source)
    where silence.began_at = source.silent_since and silence.settled_at is not null
      and source.heard_again_at <= ${before}::timestamptz
    order by source`.execute(db);
  return rows.map((row) => ({ ...row, heardAgainAt: toSecond(row.heardAgainAt) }));
}

/** Ends a silence and tells the platform, once. */
export async function endSilence(db: Db, now: Date, silence: EndedSilence): Promise<void> {
  await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const { source, beganAt } = silence;
      const ended = await sql`
        update source_silence silence set ended_at = source.heard_again_at
        from source where source.source = silence.source and source.silent_since = silence.began_at
          and silence.source = ${source} and silence.began_at = ${beganAt}
          and silence.ended_at is null
        returning silence.source`.execute(tx);
      if (ended.rows.length === 0) return;
      await tx
        .updateTable('source')
        .set({ silent_since: null, heard_again_at: null })
        .where('source', '=', source)
        .execute();
      await endFlags(tx, silence);
      await addSignals(tx, now, [signalOf('source.heard_again')(silence)]);
    });
}

function signalOf(kind: string) {
  return ({ source, beganAt, policy }: Silence) => ({
    accountId: NO_ACCOUNT,
    kind,
    details: { source, silent_since: formatSecond(beganAt), policy },
  });
}
