import { sql } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { eventsByType, type Event, type EventOf } from '../events/event.ts';
import { newApp } from '../limits/rules.ts';
import type { RecordWithin } from '../metering/record-events.ts';
import { reportOf } from './command.ts';
import { justAfter } from './command-instant.ts';

/** What the recorder calls with freshly recorded events, in their transaction, under the accounts' lock. */
export type FollowFacts = (tx: Db, now: Date, recorded: readonly Event[]) => Promise<void>;

/**
 * Keeps what is desired in step with what is recorded. Facts about levels need nothing, since the desired
 * state is read from them; created apps and databases that came too late do.
 */
export function factsFollower(record: RecordWithin): FollowFacts {
  return async (tx, now, recorded) => {
    const of = eventsByType(recorded);
    const created = of('app.created');
    if (created.length > 0) await desireNewApps(tx, now, created);
    const available = of('database.available');
    if (available.length > 0) await endUnwanted(record, tx, now, available);
  };
}

/** What a new app is to run (R12). Of several created at once the first gets the free instance. */
async function desireNewApps(
  tx: Db,
  now: Date,
  created: readonly EventOf<'app.created'>[],
): Promise<void> {
  const accounts = await readInstances(
    tx,
    created.map(({ account }) => account),
  );
  const rows = created.map(({ account, fact: { app } }) => {
    const { isFree, isInstanceTaken } = accounts.get(account)!;
    const tier = isFree ? 'FREE' : 'STANDARD';
    const { replicas, sizeTenths } = newApp({ tier, isInstanceTaken });
    accounts.set(account, { isFree, isInstanceTaken: true });
    return { account_id: account, app, replicas, size_tenths: sizeTenths, created_at: now };
  });
  await tx
    .insertInto('desired_app')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

type Instances = { readonly isFree: boolean; readonly isInstanceTaken: boolean };

/** Whether any app of the accounts runs, or is to run once it is deployed. */
async function readInstances(
  tx: Db,
  accountIds: readonly string[],
): Promise<Map<string, Instances>> {
  const { rows } = await sql<Instances & { readonly accountId: string }>`
    /* prepare read_instances */
    select account_id as "accountId", upgraded_at is null as "isFree",
      upgraded_at is null and (
        exists (
          select from series where series.account_id = account.account_id
            and series.meter = 'app' and series.level > 0)
        or exists (
          select from desired_app desired where desired.account_id = account.account_id
            and desired.replicas > 0 and not exists (
              select from event where event.account_id = desired.account_id
                and event.meter = 'app' and event.resource = desired.app))
      ) as "isInstanceTaken"
    from account where account_id = any(${textArray(accountIds)}::text[])`.execute(tx);
  return new Map(rows.map(({ accountId, ...instances }) => [accountId, instances]));
}

/**
 * Ends databases that became available after their deletion was accepted, in that same instant: they are
 * billed for no second (R47).
 */
async function endUnwanted(
  record: RecordWithin,
  tx: Db,
  now: Date,
  available: readonly EventOf<'database.available'>[],
): Promise<void> {
  const { rows } = await sql<{ readonly position: bigint }>`
    /* prepare find_unwanted_databases */
    select position from unnest(
      ${textArray(available.map(({ account }) => account))}::text[],
      ${textArray(available.map(({ fact }) => fact.database))}::text[],
      ${numberArray(available.map(({ occurredAt }) => occurredAt.second))}::bigint[]
    ) with ordinality as available (account_id, database, at, position)
    join desired_database using (account_id, database)
    where deleted_at <= to_timestamp(at)`.execute(tx);
  const unwanted = rows.map(({ position }) => available[Number(position) - 1]!);
  if (unwanted.length === 0) return;
  const reports = unwanted.map(({ account, occurredAt, fact: { database } }) =>
    reportOf(account, { type: 'database.deleted', database }, justAfter(occurredAt)),
  );
  await record(tx, now, reports);
}
