import { sql, type RawBuilder } from 'kysely';
import type { Account } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import { MAX_JOB_SECONDS } from '../../metering/series/level.ts';
import type { Window } from '../../metering/usage/usage.ts';
import type { Second } from '../../values/instant.ts';
import type { LevelEvent } from './line-segments.ts';

/** When, in the order in which facts became known, an event was recorded and superseded. */
export type Known = { readonly recording: bigint; readonly supersededIn: bigint | null };

export type KnownEvent = LevelEvent & Known;

/** What a line of usage is about. */
export type Subject =
  | { readonly kind: 'app'; readonly app: string }
  | { readonly kind: 'database'; readonly database: string };

/** Whether it counted when everything up to `knownBy` was known. */
export function counts({ recording, supersededIn }: Known, knownBy: bigint): boolean {
  return recording <= knownBy && (supersededIn === null || supersededIn > knownBy);
}

/** Those that counted then. */
export function countedAt<Event extends Known>(
  events: readonly Event[],
  knownBy: bigint,
): readonly Event[] {
  return events.filter((event) => counts(event, knownBy));
}

/** What a line of usage rests on. */
export type KnownFacts = {
  /** In the order of events. */
  readonly events: readonly KnownEvent[];
  /** All reports of the account's upgrade and of its deletion, in their order. */
  readonly turns: readonly Turn[];
};

type Turn = Known & {
  readonly type: 'account.upgraded' | 'account.deleted';
  readonly meter: null;
  readonly at: Second;
};

/**
 * The events that say what an app with its jobs, or a database, ran within a window: from the last one not
 * after its start that counted at `knownBy` and still does; and when the account was upgraded and deleted. One
 * statement whose cost grows with the window, not with the history.
 */
export async function knownFactsOf(
  db: Db,
  accountId: string,
  subject: Subject,
  window: Window,
  knownBy: bigint,
): Promise<KnownFacts> {
  const levels = levelEvents(accountId, subject, window, knownBy);
  const parts =
    subject.kind === 'app' ? [levels, jobEvents(accountId, subject.app, window)] : [levels];
  const { rows } = await sql<FactRow>`${sql.raw(`/* prepare known_facts_of_${subject.kind} */`)}
    select source, event_id as id, type, meter, resource, at, level, size_tenths as "sizeTenths",
      recording, superseded_in as "supersededIn"
    from (
      ${sql.join(parts, sql` union all `)}
      union all
      select * from event where account_id = ${accountId} and type = 'account.upgraded'
      union all
      select * from event where account_id = ${accountId} and type = 'account.deleted'
    ) e
    order by at, tie, event_id, source`.execute(db);
  return {
    events: rows.filter((row) => row.meter !== null),
    turns: rows.filter((row) => row.meter === null),
  };
}

type FactRow = KnownEvent | Turn;

/** Each half has an index of its own. */
function halves(select: (isSuperseded: RawBuilder<unknown>) => RawBuilder<unknown>) {
  return sql`${select(sql`false`)} union all ${select(sql`true`)}`;
}

function levelEvents(
  accountId: string,
  subject: Subject,
  window: Window,
  knownBy: bigint,
): RawBuilder<unknown> {
  const resource = subject.kind === 'app' ? subject.app : subject.database;
  const ofResource = sql`account_id = ${accountId} and meter = ${subject.kind} and resource = ${resource}`;
  return halves(
    (isSuperseded) => sql`
      select * from event
      where ${ofResource} and is_superseded = ${isSuperseded} and at < ${window.to}
        and at >= coalesce((
          select first.at from event first
          where ${ofResource} and not is_superseded and first.at <= ${window.from} and recording <= ${knownBy}
          order by first.at desc limit 1), 0)`,
  );
}

/** Of all jobs that any report says began so that they may have run in the window. */
function jobEvents(accountId: string, app: string, window: Window): RawBuilder<unknown> {
  const started = sql`
    select distinct resource from event
    where account_id = ${accountId} and app = ${app} and meter = 'job' and level = 1
      and at > ${window.from - MAX_JOB_SECONDS} and at < ${window.to}`;
  return halves(
    (isSuperseded) => sql`
      select e.* from (${started}) started join event e on e.account_id = ${accountId}
        and e.meter = 'job' and e.resource = started.resource
        and e.is_superseded = ${isSuperseded} and e.app = ${app}`,
  );
}

/** When the account was upgraded and deleted, by what counted at `knownBy`: of each, the earliest report holds. */
export function turnsBy(
  { turns }: KnownFacts,
  knownBy: bigint,
): Pick<Account, 'upgradedAt' | 'deletedAt'> {
  const first = (type: Turn['type']): Second | undefined => firstOf(turns, type, knownBy);
  return { upgradedAt: first('account.upgraded'), deletedAt: first('account.deleted') };
}

/** When the earliest report of a type says it happened, by what counted at `knownBy`. */
export function firstOf<Type extends string>(
  turns: readonly (Known & { readonly type: Type; readonly at: Second })[],
  type: NoInfer<Type>,
  knownBy: bigint,
): Second | undefined {
  return turns.find((turn) => turn.type === type && counts(turn, knownBy))?.at;
}
