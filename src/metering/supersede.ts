import { sql } from 'kysely';
import { findAccounts, forgetInstant } from '../accounts/store.ts';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { correctEvent, type Corrected } from '../events/correct-event.ts';
import { databaseEndedWithApp } from '../events/derived.ts';
import type { Event, EventOf } from '../events/event.ts';
import { notSupersedable } from '../events/refusal.ts';
import { assert } from '../values/fault.ts';
import { fromEventRow, type EventRow } from './event-row.ts';
import { foldDeltas } from './fold-deltas.ts';
import { foldJobs } from './jobs.ts';

type Supersession = EventOf<'event.superseded'>;

export type Judged =
  | Corrected
  /** It was recorded before: nothing is to be judged again. */
  | { readonly ok: true; readonly isRepeated: true }
  /** The event it names is not recorded (yet). */
  | { readonly ok: false; readonly refusal: undefined };

/** What each supersession would do to the event it names. Of two that name the same, the first is heard. */
export async function judge(
  tx: Db,
  supersessions: readonly Supersession[],
): Promise<readonly Judged[]> {
  const targets = await findTargets(tx, supersessions);
  const corrected = await correctAll(tx, supersessions, targets);
  const heard = new Set<string>();
  return supersessions.map(({ account, fact }, index): Judged => {
    const target = targets[index];
    if (target?.isRepeated) return { ok: true, isRepeated: true };
    const name = JSON.stringify([account, fact.supersededSource, fact.supersededId]);
    if (heard.has(name)) {
      const why = 'this one is already; supersede what is true instead of it';
      return { ok: false, refusal: notSupersedable(fact.supersededId, why) };
    }
    heard.add(name);
    return corrected[index] ?? { ok: false, refusal: undefined };
  });
}

async function correctAll(
  tx: Db,
  supersessions: readonly Supersession[],
  targets: readonly (Target | undefined)[],
): Promise<readonly (Corrected | undefined)[]> {
  const accounts = await findAccounts(tx, [...new Set(supersessions.map((one) => one.account))]);
  return supersessions.map((supersession, index) => {
    const target = targets[index];
    const account = accounts.get(supersession.account);
    if (target === undefined || account === undefined) return undefined;
    const { isSuperseded, event } = target;
    return correctEvent(supersession, event, { isSuperseded, signedUpAt: account.signedUpAt });
  });
}

/**
 * Takes the superseded events out of the meter: they stay recorded, and count no more. Answers what is true
 * instead, to be recorded. Needs the accounts' lock.
 */
export async function supersede(
  tx: Db,
  supersessions: readonly Supersession[],
): Promise<readonly Event[]> {
  if (supersessions.length === 0) return [];
  const targets = await findTargets(tx, supersessions);
  const corrected = await correctAll(tx, supersessions, targets);
  const instead: Event[] = [];
  for (const [index, outcome] of corrected.entries()) {
    assert(outcome?.ok, 'only what can be superseded was let through');
    const { event } = targets[index]!;
    await withdraw(tx, event);
    if (event.fact.type === 'app.deleted') {
      for (const end of await endsWithApp(tx, event)) await withdraw(tx, end);
    }
    if (outcome.instead !== undefined) instead.push(outcome.instead);
  }
  return instead;
}

type Target = {
  readonly event: Event;
  readonly isSuperseded: boolean;
  /** The supersession itself is recorded. */
  readonly isRepeated: boolean;
};

async function findTargets(
  tx: Db,
  supersessions: readonly Supersession[],
): Promise<(Target | undefined)[]> {
  const { rows } = await sql<TargetRow>`
    select given.position, event.type, event.at, event.tie, event.meter, event.resource, event.app,
      event.level::int as level, event.size_tenths as "sizeTenths", event.details,
      event.is_superseded as "isSuperseded", own.event_id is not null as "isRepeated"
    from unnest(
      ${textArray(supersessions.map(({ account }) => account))}::text[],
      ${textArray(supersessions.map(({ fact }) => fact.supersededSource))}::text[],
      ${textArray(supersessions.map(({ fact }) => fact.supersededId))}::text[],
      ${textArray(supersessions.map(({ source }) => source))}::text[],
      ${textArray(supersessions.map(({ id }) => id))}::text[]
    ) with ordinality as given (account_id, source, event_id, own_source, own_id, position)
    join event using (account_id, source, event_id)
    left join event own on own.account_id = given.account_id and own.source = given.own_source
      and own.event_id = given.own_id`.execute(tx);
  const targets: (Target | undefined)[] = supersessions.map(() => undefined);
  for (const { position, isSuperseded, isRepeated, ...row } of rows) {
    const { account, fact } = supersessions[Number(position) - 1]!;
    const identity = { account, source: fact.supersededSource, id: fact.supersededId };
    targets[Number(position) - 1] = {
      event: fromEventRow(identity, row),
      isSuperseded,
      isRepeated,
    };
  }
  return targets;
}

type TargetRow = EventRow & Omit<Target, 'event'> & { readonly position: bigint };

/** The ends of databases that were derived from a deletion. */
async function endsWithApp(tx: Db, deletion: Event): Promise<Event[]> {
  assert(deletion.fact.type === 'app.deleted', 'an app was deleted');
  const rows = await tx
    .selectFrom('database_app')
    .select('database')
    .where('account_id', '=', deletion.account)
    .where('app', '=', deletion.fact.app)
    .execute();
  return rows.map(({ database }) => databaseEndedWithApp(deletion, database));
}

async function withdraw(tx: Db, { account, source, id, fact }: Event): Promise<void> {
  const withdrawn = await tx
    .updateTable('event')
    .set({ is_superseded: true, superseded_in: sql<bigint>`nextval('event_recording')` })
    .where('account_id', '=', account)
    .where('source', '=', source)
    .where('event_id', '=', id)
    .where('is_superseded', '=', false)
    .returning('event_id')
    .executeTakeFirst();
  if (withdrawn === undefined) return;
  await unfold(tx, account, source, id);
  if ('job' in fact) await foldJobs(tx, [{ account, app: fact.app, job: fact.job }]);
  if (fact.type === 'account.confirmed')
    await forgetInstant(tx, account, 'confirmed_at', fact.type);
  if (fact.type === 'account.upgraded') await forgetInstant(tx, account, 'upgraded_at', fact.type);
}

/** Gives the stretch of a withdrawn event back to the event before it. */
async function unfold(tx: Db, account: string, source: string, id: string): Promise<void> {
  await sql`
    with target as (
      select event.*, account.last_cut_at, previous.level as previous_level,
        previous.size_tenths as previous_size_tenths, next.at as until
      from event join account using (account_id)
      left join lateral (
        select e.level, e.size_tenths from standing_event e
        where e.account_id = event.account_id and e.meter = event.meter
          and e.resource = event.resource
          and (e.at, e.tie, e.event_id, e.source)
            < (event.at, event.tie, event.event_id, event.source)
        order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
      ) previous on true
      left join lateral (
        select e.at from standing_event e
        where e.account_id = event.account_id and e.meter = event.meter
          and e.resource = event.resource
          and (e.at, e.tie, e.event_id, e.source)
            > (event.at, event.tie, event.event_id, event.source)
        order by e.at, e.tie, e.event_id, e.source limit 1
      ) next on true
      where event.account_id = ${account} and event.source = ${source} and event.event_id = ${id}
        and event.meter in ('app', 'database')
    ),
    delta as (
      select account_id, meter, resource, 0 as size_tenths,
        coalesce(previous_level, 0) - level as change, at, until, last_cut_at
      from target where meter = 'app'
      union all
      select account_id, meter, resource, size_tenths, -1, at, until, last_cut_at
      from target where meter = 'database' and level = 1
      union all
      select account_id, meter, resource, previous_size_tenths, 1, at, until, last_cut_at
      from target where meter = 'database' and previous_level = 1
    ),
    ${foldDeltas}
    select from created`.execute(tx);
}
