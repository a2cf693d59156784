import { sql } from 'kysely';
import { findAccounts } from '../accounts/store.ts';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { requirementOf } from '../events/admission.ts';
import { isEventOf, type Event } from '../events/event.ts';
import { refused, type Outcome } from '../events/outcome.ts';
import type { ReportedEvent } from '../events/parking.ts';
import { databaseOfOtherApp } from '../events/refusal.ts';
import { judge } from './supersede.ts';

/** What keeps events from being recorded yet, or for good: their account, app or database (R61). */
export async function findHindrances(
  tx: Db,
  given: readonly ReportedEvent[],
): Promise<ReadonlyMap<ReportedEvent, Outcome>> {
  const hindered = new Map<ReportedEvent, Outcome>();
  const needy = given.filter(({ event }) => requirementOf(event.fact) !== undefined);
  if (needy.length === 0) return hindered;
  const events = needy.map(({ event }) => event);
  const accounts = await findAccounts(tx, [...new Set(events.map((event) => event.account))]);
  const apps = await findApps(tx, events);
  const appOfDatabase = await findDatabases(tx, events);
  const supersessions = needy.filter(({ event }) => isEventOf('event.superseded')(event));
  const judged = await judge(tx, events.filter(isEventOf('event.superseded')));
  supersessions.forEach((one, index) => {
    const judgement = judged[index]!;
    if (judgement.ok) return;
    const { refusal } = judgement;
    const waitsFor = requirementOf(one.event.fact)!;
    hindered.set(one, refusal === undefined ? { status: 'parked', waitsFor } : refused(refusal));
  });
  for (const one of needy) {
    const { account, fact } = one.event;
    if (fact.type === 'event.superseded') continue;
    const requirement = requirementOf(fact)!;
    const known = requirement.kind === 'app' ? apps : appOfDatabase;
    if (!accounts.has(account)) {
      hindered.set(one, { status: 'parked', waitsFor: { kind: 'account', name: account } });
    } else if (!known.has(key(account, requirement.name))) {
      hindered.set(one, { status: 'parked', waitsFor: requirement });
    } else if (fact.type === 'database.available') {
      const knownApp = appOfDatabase.get(key(account, fact.database)) ?? fact.app;
      if (knownApp !== fact.app) {
        hindered.set(one, refused(databaseOfOtherApp(fact.app, knownApp)));
      }
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
  const { rows } = await sql<{ account_id: string; database: string; app: string }>`
    select account_id, database, app
    from unnest(${textArray(named.map(({ account }) => account))}::text[],
      ${textArray(named.map(({ fact }) => fact.database))}::text[]) as given (account_id, database)
    join database_app using (account_id, database)`.execute(tx);
  return new Map(rows.map((row) => [key(row.account_id, row.database), row.app]));
}
