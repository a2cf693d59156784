import { sql } from 'kysely';
import { findAccounts, forgetInstant } from '../../accounts/store.ts';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { correctEvent, type Corrected } from '../../events/correct-event.ts';
import { databaseEndedWithApp } from '../../events/derived.ts';
import type { Event, EventOf } from '../../events/event.ts';
import { eventArchived, notSupersedable } from '../../events/refusal.ts';
import { assert } from '../../values/fault.ts';
import type { Second } from '../../values/instant.ts';
import { deltasOf } from './deltas.ts';
import { fromEventRow, toEventRow, type EventRow } from './event-row.ts';
import { foldDeltas } from './fold-deltas.ts';
import { foldJobs } from './jobs.ts';
import { findNeighbours, placedBetween } from './neighbours.ts';
import { findSettled } from './settled.ts';

type Supersession = EventOf<'event.superseded'>;

export type Judged =
  | Corrected
  /** The event it names is not recorded (yet). */
  | { readonly ok: false; readonly refusal: undefined };

/** What each supersession would do to the event it names. Of two that name the same, the first is heard. */
export async function judge(
  tx: Db,
  supersessions: readonly Supersession[],
): Promise<readonly Judged[]> {
  if (supersessions.length === 0) return [];
  const targets = await findTargets(tx, supersessions);
  const corrected = await correctAll(tx, supersessions, targets);
  const heard = new Set<string>();
  return supersessions.map(({ account, fact }, index): Judged => {
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
  const corrected = supersessions.map((supersession, index): Corrected | undefined => {
    const target = targets[index];
    const account = accounts.get(supersession.account);
    if (target === undefined || account === undefined) return undefined;
    if (target.event === undefined) return archived(supersession);
    const { isSuperseded, event } = target;
    return correctEvent(supersession, event, { isSuperseded, signedUpAt: account.signedUpAt });
  });
  const settled = await findSettledOf(tx, corrected, targets);
  return corrected.map((one, index) =>
    one?.ok === true && settled.has(index) ? archived(supersessions[index]!) : one,
  );
}

function archived({ fact }: Supersession): Corrected {
  return { ok: false, refusal: eventArchived(fact.supersededId) };
}

/** Those whose event, or what would be true instead, is about what is settled, by position. */
async function findSettledOf(
  tx: Db,
  corrected: readonly (Corrected | undefined)[],
  targets: readonly (Target | undefined)[],
): Promise<ReadonlySet<number>> {
  const about = corrected.flatMap((one, index) => {
    const { event, settledAt } = targets[index] ?? {};
    if (one?.ok !== true || event === undefined) return [];
    const events = one.instead === undefined ? [event] : [event, one.instead];
    return events.map((of) => ({ event: of, row: toEventRow(of), settledAt: settledAt!, index }));
  });
  const settled = await findSettled(
    tx,
    about,
    about.map(({ settledAt }) => settledAt),
  );
  return new Set([...settled].map((position) => about[position]!.index));
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
    const event = targets[index]!.event!;
    await withdraw(tx, event);
    if (event.fact.type === 'app.deleted') {
      for (const end of await endsWithApp(tx, event)) await withdraw(tx, end);
    }
    if (outcome.instead !== undefined) instead.push(outcome.instead);
  }
  return instead;
}

type Target = {
  /** Undefined: it is archived. */
  readonly event: Event | undefined;
  readonly isSuperseded: boolean;
  readonly settledAt: Second | null;
};

async function findTargets(
  tx: Db,
  supersessions: readonly Supersession[],
): Promise<(Target | undefined)[]> {
  const { rows } = await sql<TargetRow>`
    select given.position, event.type, event.at, event.tie, event.meter, event.resource, event.app,
      event.level::int as level, event.size_tenths as "sizeTenths", event.details,
      coalesce(event.is_superseded, false) as "isSuperseded", account.settled_at as "settledAt"
    from unnest(
      ${textArray(supersessions.map(({ account }) => account))}::text[],
      ${textArray(supersessions.map(({ fact }) => fact.supersededSource))}::text[],
      ${textArray(supersessions.map(({ fact }) => fact.supersededId))}::text[]
    ) with ordinality as given (account_id, source, event_id, position)
    join account using (account_id)
    join event_identity identity using (account_id, source, event_id)
    left join event using (account_id, source, event_id, recording, recorded_at)
    where identity.recording is not null`.execute(tx);
  const targets: (Target | undefined)[] = supersessions.map(() => undefined);
  for (const { position, isSuperseded, settledAt, ...row } of rows) {
    const { account, fact } = supersessions[Number(position) - 1]!;
    const identity = { account, source: fact.supersededSource, id: fact.supersededId };
    const event = isThere(row) ? fromEventRow(identity, row) : undefined;
    targets[Number(position) - 1] = { event, isSuperseded, settledAt };
  }
  return targets;
}

type MissingRow = { readonly type: null };
type TargetRow = (EventRow | MissingRow) & Omit<Target, 'event'> & { readonly position: bigint };

function isThere(row: EventRow | MissingRow): row is EventRow {
  return row.type !== null;
}

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

async function withdraw(tx: Db, event: Event): Promise<void> {
  const { account, source, id, fact } = event;
  const { rows } = await sql<WithdrawnRow>`
    update event set is_superseded = true, superseded_in = nextval('event_recording')
    from event_identity identity join account using (account_id)
    where identity.account_id = ${account} and identity.source = ${source}
      and identity.event_id = ${id}
      and event.account_id = identity.account_id and event.recording = identity.recording
      and event.source = identity.source and event.event_id = identity.event_id
      and event.recorded_at = identity.recorded_at and not event.is_superseded
    returning account.last_cut_at as "lastCutAt"`.execute(tx);
  const [withdrawn] = rows;
  if (withdrawn === undefined) return;
  await unfold(tx, event, withdrawn.lastCutAt);
  if ('job' in fact) await foldJobs(tx, [{ account, app: fact.app, job: fact.job }]);
  if (fact.type === 'account.confirmed')
    await forgetInstant(tx, account, 'confirmed_at', fact.type);
  if (fact.type === 'account.upgraded') await forgetInstant(tx, account, 'upgraded_at', fact.type);
}

type WithdrawnRow = { readonly lastCutAt: Second };

/** Gives the stretch of a withdrawn event back to the event before it: it changes the opposite way. */
async function unfold(tx: Db, event: Event, lastCutAt: Second): Promise<void> {
  const row = toEventRow(event);
  if (row.meter !== 'app' && row.meter !== 'database') return;
  const [found] = await findNeighbours(tx, [{ event, row }]);
  const folded = deltasOf([placedBetween({ event, row }, found!, lastCutAt)]);
  await foldDeltas(
    tx,
    folded.map((delta) => ({ ...delta, change: -delta.change })),
  );
}
