import { unknownAccount } from '../accounts/require-account.ts';
import type { Db } from '../database/pool.ts';

/** How an app reaches its database; null as long as the platform did not report it. */
export type Connection = {
  readonly host: string | null;
  readonly port: number | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly databaseName: string | null;
  readonly url: string | null;
};

export const NO_CONNECTION: Connection = {
  host: null,
  port: null,
  username: null,
  password: null,
  databaseName: null,
  url: null,
};

/** Keeps what the platform reports of a database's connection; the latest report counts. */
export async function noteConnection(
  db: Db,
  now: Date,
  { accountId, database }: { readonly accountId: string; readonly database: string },
  { databaseName, ...connection }: Connection,
): Promise<void> {
  const account = await db
    .selectFrom('account')
    .select('account_id')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (account === undefined) throw unknownAccount(accountId);
  const reported = { ...connection, database_name: databaseName, reported_at: now };
  await db
    .insertInto('database_connection')
    .values({ account_id: accountId, database, ...reported })
    .onConflict((conflict) => conflict.columns(['account_id', 'database']).doUpdateSet(reported))
    .execute();
}

/** The connections of an account's databases that were reported. */
export async function readConnections(
  db: Db,
  accountId: string,
): Promise<ReadonlyMap<string, Connection>> {
  const rows = await db
    .selectFrom('database_connection')
    .selectAll()
    .where('account_id', '=', accountId)
    .execute();
  return new Map(
    rows.map(({ database, host, port, username, password, database_name: databaseName, url }) => [
      database,
      { host, port, username, password, databaseName, url },
    ]),
  );
}
