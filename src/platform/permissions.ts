import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';
import { requireApp, type AppOfAccount } from './app-of-account.ts';
import { runCommand, type CommandContext } from './command.ts';

/** Who may act on an app beside its owner, in the order of the addresses. */
export async function listPermissions(
  db: Db,
  { accountId, app }: AppOfAccount,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('permission')
    .select('email')
    .where('account_id', '=', accountId)
    .where('app', '=', app)
    .orderBy('email')
    .execute();
  return rows.map(({ email }) => email);
}

/** Lets somebody act on an app; the owner still pays (R38). Safe to repeat. @throws Fault `app_unknown`. */
export async function grantPermission(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
  grant: { readonly email: string; readonly role: string | undefined },
): Promise<void> {
  const email = grant.email.toLowerCase();
  const role = grant.role ?? null;
  await runCommand(context, accountId, async ({ tx, desired, account, now, tell }) => {
    requireApp(desired.apps, app);
    if (email === account.email.toLowerCase()) {
      throw new Fault('invalid', 'owner_has_access', 'is the owner, who may do everything anyway');
    }
    await tx
      .insertInto('permission')
      .values({ account_id: accountId, app, email, role, granted_at: now })
      .onConflict((conflict) =>
        conflict.columns(['account_id', 'app', 'email']).doUpdateSet({ role }),
      )
      .execute();
    await tell('permission.granted', { app, email, role });
  });
}

/** @throws Fault `app_unknown`, `permission_unknown`. */
export async function revokePermission(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
  address: string,
): Promise<void> {
  const email = address.toLowerCase();
  await runCommand(context, accountId, async ({ tx, desired, tell }) => {
    requireApp(desired.apps, app);
    const removed = await tx
      .deleteFrom('permission')
      .where('account_id', '=', accountId)
      .where('app', '=', app)
      .where('email', '=', email)
      .returning('email')
      .executeTakeFirst();
    if (removed === undefined) {
      throw new Fault('not_found', 'permission_unknown', `${email} has no access to ${app}.`);
    }
    await tell('permission.revoked', { app, email });
  });
}
