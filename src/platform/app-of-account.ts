import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';
import type { DesiredApp } from './desired-state.ts';

/** An app, and the account that owns it and pays for it, whoever acts (R38). */
export type AppOfAccount = { readonly accountId: string; readonly app: string };

/** Whether the account has or had an app of this name. */
export async function isKnownApp(db: Db, { accountId, app }: AppOfAccount): Promise<boolean> {
  const { rows } = await sql<{ readonly is_known: boolean }>`
    /* prepare is_known_app */
    select exists (select from series where account_id = ${accountId} and meter = 'app'
      and resource = ${app} and size_tenths = 0) as is_known`.execute(db);
  return rows[0]!.is_known;
}

/** @throws Fault `app_unknown`. */
export function requireApp(apps: readonly DesiredApp[], name: string): DesiredApp {
  const found = apps.find(({ app }) => app === name);
  if (found === undefined) throw unknownApp(name);
  return found;
}

export function unknownApp(name: string): Fault {
  return new Fault('not_found', 'app_unknown', `There is no app ${JSON.stringify(name)}.`);
}
