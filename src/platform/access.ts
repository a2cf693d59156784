import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';
import { isKnownApp, unknownApp, type AppOfAccount } from './app-of-account.ts';

/** Who acts: the account that was logged in to. */
export type Actor = {
  readonly accountId: string;
  /** In lower case. */
  readonly email: string;
  readonly isConfirmed: boolean;
};

/** What an actor may do: the owner everything, a collaborator all but what is the owner's to decide. */
export type Access = AppOfAccount & { readonly isOwner: boolean };

/**
 * The app of this name that the actor may act on: an own one, else one that was shared with the actor's
 * e-mail address. The address must be confirmed: anybody can sign up with anybody's.
 *
 * @throws Fault `app_unknown`, also for apps of others: nobody learns which names exist.
 */
export async function findAccess(db: Db, actor: Actor, app: string): Promise<Access> {
  const own = { accountId: actor.accountId, app };
  if (await isKnownApp(db, own)) return { ...own, isOwner: true };
  const shared = actor.isConfirmed ? await findShared(db, actor.email, app) : undefined;
  if (shared === undefined) throw unknownApp(app);
  return { accountId: shared, app, isOwner: false };
}

/** @throws Fault `owner_only` (unauthorized) for a collaborator. */
export function requireOwner({ app, isOwner }: Access): void {
  if (isOwner) return;
  throw new Fault('unauthorized', 'owner_only', `Only the owner of ${app} may do this.`);
}

/** Its owner; of several owners with an app of this name the one who shared it first. */
async function findShared(db: Db, email: string, app: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('permission')
    .innerJoin('account', 'account.account_id', 'permission.account_id')
    .select('permission.account_id')
    .where('permission.email', '=', email)
    .where('app', '=', app)
    .where('account.deleted_at', 'is', null)
    .orderBy('granted_at')
    .orderBy('permission.account_id')
    .executeTakeFirst();
  return row?.account_id;
}
