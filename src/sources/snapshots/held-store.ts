import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { DERIVED_SOURCE } from '../../events/derived.ts';
import { readTieBreak } from '../../events/order.ts';
import { COMMAND_SOURCE } from '../../platform/command.ts';
import type { Instant, Second } from '../../values/instant.ts';
import type { Held } from './compare-snapshot.ts';
import type { Resource } from './snapshot.ts';

/** Events of our own making say nothing about who runs a resource. */
const OWN_SOURCES = [DERIVED_SOURCE, COMMAND_SOURCE];

/**
 * What the meter holds at an instant of all that the source runs, and of the resources named, whoever runs
 * them. A resource belongs to the source of its latest standing report, or, when all its reports were
 * superseded, of the latest of those. With `accountIds`, of these accounts only.
 */
export async function findHeld(
  db: Db,
  {
    source,
    at,
    named,
    accountIds,
  }: {
    readonly source: string;
    readonly at: Instant;
    readonly named: readonly Resource[];
    readonly accountIds?: readonly string[];
  },
): Promise<readonly Held[]> {
  // The apps of named databases, too: whether they are known decides what must be reported.
  const apps = named.map(({ account, app }) => ({ account, kind: 'app', name: app }));
  const asked = [...named, ...apps];
  const own = textArray(OWN_SOURCES);
  // Compares above all ties of the instant's fraction, and below those of any later one.
  const tieEnd = `${at.fraction}!`;
  const { rows } = await sql<HeldRow>`
    with named as (
      select distinct * from unnest(
        ${textArray(asked.map(({ account }) => account))}::text[],
        ${textArray(asked.map(({ kind }) => kind))}::text[],
        ${textArray(asked.map(({ name }) => name))}::text[]
      ) as named (account_id, meter, resource)
    ),
    candidate as (
      select account_id, meter, resource, bool_or(is_named) as is_named
      from (
        select account_id, meter, resource, true as is_named from named
        union all
        select distinct account_id, meter, resource, false from series
        where meter in ('app', 'database') and (level > 0 or last_at > ${at.second})
          ${accountIds === undefined ? sql`` : sql`and account_id = any(${textArray(accountIds)}::text[])`}
      ) as either
      group by account_id, meter, resource
    ),
    held as (
      select account.account_id, candidate.meter, candidate.resource, latest.*,
        coalesce(database_app.app, series.resource) as app,
        case when latest.level > 0 then coalesce(
          (select source from standing_event e
            where e.account_id = account.account_id and e.meter = candidate.meter
              and e.resource = candidate.resource and e.source <> all(${own}::text[])
              and (e.at, e.tie) < (${at.second}, ${tieEnd})
            order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1),
          (select source from event e
            where e.is_superseded and e.account_id = account.account_id
              and e.meter = candidate.meter and e.resource = candidate.resource
              and e.source <> all(${own}::text[]) and (e.at, e.tie) < (${at.second}, ${tieEnd})
            order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1)
          ) end as owner
      from candidate join account on account.account_id = candidate.account_id
      left join lateral (
        select e.level, e.size_tenths, e.at, e.tie from standing_event e
        where e.account_id = account.account_id and e.meter = candidate.meter
          and e.resource = candidate.resource and (e.at, e.tie) < (${at.second}, ${tieEnd})
        order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
      ) latest on true
      left join database_app on candidate.meter = 'database'
        and database_app.account_id = account.account_id
        and database_app.database = candidate.resource
      left join series on candidate.meter = 'app' and series.account_id = account.account_id
        and series.meter = 'app' and series.resource = candidate.resource
        and series.size_tenths = 0
    )
    select account_id as account, meter as kind, resource as name,
      coalesce(held.app, resource) as app, held.level, held.size_tenths as "sizeTenths", held.at,
      held.tie, held.owner, held.app is not null as "isKnown"
    from candidate left join held using (account_id, meter, resource)
    where is_named or (held.level > 0 and held.owner = ${source})`.execute(db);
  return rows.map(toHeld);
}

type HeldRow = {
  readonly account: string;
  readonly kind: 'app' | 'database';
  readonly name: string;
  readonly app: string;
  readonly level: bigint | null;
  readonly sizeTenths: number | null;
  readonly at: Second | null;
  readonly tie: string | null;
  readonly owner: string | null;
  readonly isKnown: boolean;
};

function toHeld({ level, sizeTenths, at, tie, owner, ...resource }: HeldRow): Held {
  const isRunning = level !== null && level > 0n;
  const replicas = resource.kind === 'app' ? Number(level) / sizeTenths! : 1;
  return {
    ...resource,
    state: isRunning ? { replicas, sizeTenths: sizeTenths! } : undefined,
    lastAt: at === null ? undefined : { second: at, fraction: readTieBreak(tie!).fraction },
    owner: owner ?? undefined,
  };
}
