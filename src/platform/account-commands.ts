import type { Account } from '../accounts/account.ts';
import { revokeAccountKeys } from '../accounts/api-key-store.ts';
import { lockAccounts } from '../accounts/lock.ts';
import { findAccount } from '../accounts/store.ts';
import { describeRefusal } from '../events/refusal.ts';
import { assert, Fault } from '../values/fault.ts';
import { toSecond } from '../values/instant.ts';
import { endApp } from './app-commands.ts';
import { commandInstant } from './command-instant.ts';
import { reportOf, runCommand, type CommandContext } from './command.ts';

export type NewAccount = { readonly accountId: string; readonly email: string };

/**
 * Signs an account up as of now, in the FREE tier (R17). Repeating it with the same e-mail address changes
 * nothing; `isNew` says whether it did.
 *
 * @throws Fault `account_exists` for an account with another address or one that was deleted, `invalid_event`.
 */
export async function createAccount(
  { db, clock, record }: CommandContext,
  { accountId, email }: NewAccount,
): Promise<{ readonly account: Account; readonly isNew: boolean }> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await lockAccounts(tx, [accountId]);
      const present = await findAccount(tx, accountId);
      if (present !== undefined) {
        if (present.email === email && present.deletedAt === undefined) {
          return { account: present, isNew: false };
        }
        const message = `there is an account ${accountId} already, with another e-mail address or deleted`;
        throw new Fault('conflict', 'account_exists', message);
      }
      const now = clock();
      const at = commandInstant(now, toSecond(now), undefined);
      const [outcome] = await record(tx, now, [
        reportOf(accountId, { type: 'account.created', email }, at),
      ]);
      if (outcome?.status === 'refused') {
        throw new Fault('invalid', outcome.refusal.code, describeRefusal(outcome.refusal));
      }
      assert(outcome?.status === 'recorded', 'a new account is recorded or refused');
      return { account: (await findAccount(tx, accountId))!, isNew: true };
    });
}

/** Notes that the e-mail address is the owner's (R24). Safe to repeat. @throws Fault `account_unknown`. */
export async function confirmAccount(context: CommandContext, accountId: string): Promise<void> {
  await runCommand(context, accountId, async ({ account, record }) => {
    if (account.confirmedAt === undefined) await record({ type: 'account.confirmed' });
  });
}

/**
 * Puts an account on the STANDARD tier from now on (R26); whether it has a card is for the caller to see to
 * (R25). Of several at once, one does it.
 *
 * @throws Fault `account_unknown`, `already_upgraded`.
 */
export async function recordUpgrade(context: CommandContext, accountId: string): Promise<void> {
  await runCommand(context, accountId, async ({ account, record }) => {
    if (account.upgradedAt !== undefined) {
      const message = 'the account is on the standard tier already';
      throw new Fault('conflict', 'already_upgraded', message);
    }
    await record({ type: 'account.upgraded' });
  });
}

/**
 * Ends an account: its apps end, its keys are refused, and its last period is due at once (R56).
 *
 * @throws Fault `account_unknown`, also when it was deleted before.
 */
export async function deleteAccount(context: CommandContext, accountId: string): Promise<void> {
  await runCommand(context, accountId, async (command) => {
    for (const app of command.desired.apps) await endApp(command, app);
    await command.record({ type: 'account.deleted' });
    await revokeAccountKeys(command.tx, command.now, accountId);
    await command.tell('account.deleted', {});
  });
}
