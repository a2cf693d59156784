import { randomUUID } from 'node:crypto';
import { NEW_DATABASE_SIZE_TENTHS } from '../limits/rules.ts';
import { Fault } from '../values/fault.ts';
import { fromTenths } from '../values/size.ts';
import type { Placement } from './app-commands.ts';
import { requireApp, type AppOfAccount } from './app-of-account.ts';
import { runCommand, type CommandContext } from './command.ts';
import type { DesiredDatabase } from './desired-state.ts';

/**
 * Asks for a database of an app, of size 0.6 unless told otherwise (R45). It is PENDING, and free of charge,
 * until the platform reports it available (R47).
 *
 * @throws Fault `app_unknown`, `free_tier_only`, or the code of a limit.
 */
export async function createDatabase(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
  wanted: {
    readonly sizeTenths?: number | undefined;
    readonly placement?: Placement;
    /** Refused in the STANDARD tier, where no database is free. */
    readonly isFreeOnly?: true;
  },
): Promise<DesiredDatabase> {
  return await runCommand(context, accountId, async ({ tx, desired, ...command }) => {
    requireApp(desired.apps, app);
    const { sizeTenths = NEW_DATABASE_SIZE_TENTHS, placement = {}, isFreeOnly } = wanted;
    if (isFreeOnly && command.account.upgradedAt !== undefined) throw notFree();
    command.requireAllowed({ kind: 'create_database', app, sizeTenths });
    const database = randomUUID();
    await tx
      .insertInto('desired_database')
      .values({
        account_id: accountId,
        database,
        app,
        size_tenths: sizeTenths,
        requested_at: command.now,
      })
      .execute();
    const size = fromTenths(sizeTenths);
    await command.tell('database.create_requested', { app, database, size, ...placement });
    return {
      database,
      app,
      sizeTenths,
      state: 'PENDING',
      latestAt: undefined,
      observedRows: undefined,
    };
  });
}

/**
 * Resizes a database; what is billed changes with the acceptance (R47).
 *
 * @throws Fault `app_unknown`, `database_unknown`, `nothing_to_change`, or the code of a limit.
 */
export async function resizeDatabase(
  context: CommandContext,
  { accountId, app, database }: AppOfAccount & { readonly database: string },
  wanted: { readonly sizeTenths: number | undefined; readonly placement?: Placement },
): Promise<DesiredDatabase> {
  return await runCommand(context, accountId, async ({ tx, desired, ...command }) => {
    requireApp(desired.apps, app);
    const present = requireDatabase(desired.databases, app, database);
    const { sizeTenths = present.sizeTenths, placement = {} } = wanted;
    if (wanted.sizeTenths === undefined && Object.keys(placement).length === 0) {
      throw new Fault('invalid', 'nothing_to_change', 'Give a size.');
    }
    command.requireAllowed({ kind: 'resize_database', database, sizeTenths });
    if (sizeTenths !== present.sizeTenths && present.state === 'AVAILABLE') {
      const fact = { type: 'database.resized', database, sizeTenths } as const;
      await command.record(fact, present.latestAt);
    }
    await tx
      .updateTable('desired_database')
      .set({ size_tenths: sizeTenths })
      .where('account_id', '=', accountId)
      .where('database', '=', database)
      .execute();
    const size = fromTenths(sizeTenths);
    await command.tell('database.resize_requested', { app, database, size, ...placement });
    return { ...present, sizeTenths };
  });
}

/**
 * Deletes a database: nothing of it is billed from here on (R47).
 *
 * @throws Fault `app_unknown`, `database_unknown`.
 */
export async function deleteDatabase(
  context: CommandContext,
  { accountId, app, database }: AppOfAccount & { readonly database: string },
): Promise<DesiredDatabase> {
  return await runCommand(context, accountId, async ({ tx, desired, ...command }) => {
    requireApp(desired.apps, app);
    const present = requireDatabase(desired.databases, app, database);
    if (present.state === 'AVAILABLE') {
      await command.record({ type: 'database.deleted', database }, present.latestAt);
    }
    await tx
      .updateTable('desired_database')
      .set({ deleted_at: command.now })
      .where('account_id', '=', accountId)
      .where('database', '=', database)
      .execute();
    await command.tell('database.delete_requested', { app, database });
    return { ...present, state: 'DELETED' };
  });
}

function requireDatabase(
  databases: readonly DesiredDatabase[],
  app: string,
  name: string,
): DesiredDatabase {
  const found = databases.find(
    (one) => one.database === name && one.app === app && one.state !== 'DELETED',
  );
  if (found !== undefined) return found;
  const message = `App ${app} has no database ${JSON.stringify(name)}.`;
  throw new Fault('not_found', 'database_unknown', message);
}

function notFree(): Fault {
  const message =
    'Free databases are only for accounts in the free tier. Create a database of a size instead.';
  return new Fault('conflict', 'free_tier_only', message);
}
