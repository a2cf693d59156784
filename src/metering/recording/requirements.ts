import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { requirementOf } from '../../events/admission.ts';
import { isEventOf, type Event } from '../../events/event.ts';
import { refused, type Outcome } from '../../events/outcome.ts';
import { databaseOfOtherApp } from '../../events/refusal.ts';
import { judge } from '../series/supersede.ts';

/**
 * What keeps events from being recorded yet, or for good: their app, their database, or the event they speak of
 * (R61). Their accounts exist.
 */
export async function findHindrances(
  tx: Db,
  events: readonly Event[],
): Promise<ReadonlyMap<Event, Outcome>> {
  const hindered = new Map<Event, Outcome>();
  const needy = events.filter(({ fact }) => requirementOf(fact) !== undefined);
  if (needy.length === 0) return hindered;
  const judged = (await judge(tx, needy.filter(isEventOf('event.superseded')))).values();
  const apps = await findApps(tx, needy);
  const appOfDatabase = await findDatabases(tx, needy);
  for (const one of needy) {
    const { account, fact } = one;
    const waitsFor = requirementOf(fact)!;
    if (waitsFor.kind === 'event') {
      const judgement = judged.next().value!;
      if (judgement.ok) continue;
      const { refusal } = judgement;
      hindered.set(one, refusal === undefined ? { status: 'parked', waitsFor } : refused(refusal));
      continue;
    }
    const known = waitsFor.kind === 'app' ? apps : appOfDatabase;
    if (!known.has(key(account, waitsFor.name))) {
      hindered.set(one, { status: 'parked', waitsFor });
    } else if (fact.type === 'database.available') {
      const knownApp = appOfDatabase.get(key(account, fact.database)) ?? fact.app;
      if (knownApp !== fact.app) hindered.set(one, refused(databaseOfOtherApp(fact.app, knownApp)));
    }
  }
  return hindered;
}

function key(account: string, name: string): string {
  return JSON.stringify([account, name]);
}

/** An app is known when it has a series. */
async function findApps(tx: Db, events: readonly Event[]): Promise<ReadonlySet<string>> {
  const named = events.flatMap(({ account, fact }) => ('app' in fact ? [{ account, fact }] : []));
  if (named.length === 0) return new Set();
  const { rows } = await sql<{ account_id: string; app: string }>`
    select given.account_id, given.app
    from unnest(${textArray(named.map(({ account }) => account))}::text[],
      ${textArray(named.map(({ fact }) => fact.app))}::text[]) as given (account_id, app)
    join series on series.account_id = given.account_id and series.meter = 'app'
      and series.resource = given.app and series.size_tenths = 0`.execute(tx);
  return new Set(rows.map((row) => key(row.account_id, row.app)));
}

async function findDatabases(
  tx: Db,
  events: readonly Event[],
): Promise<ReadonlyMap<string, string>> {
  const named = events.flatMap(({ account, fact }) =>
    'database' in fact ? [{ account, fact }] : [],
  );
  if (named.length === 0) return new Map();
  const { rows } = await sql<{ account_id: string; database: string; app: string }>`
    select account_id, database, app
    from unnest(${textArray(named.map(({ account }) => account))}::text[],
      ${textArray(named.map(({ fact }) => fact.database))}::text[]) as given (account_id, database)
    join database_app using (account_id, database)`.execute(tx);
  return new Map(rows.map((row) => [key(row.account_id, row.database), row.app]));
}
