import { revokeAccountKeys } from '../accounts/api-key-store.ts';
import { endApp } from '../platform/app-commands.ts';
import { runCommand, type CommandContext } from '../platform/command.ts';
import { emailKey, removeLogin } from './login-store.ts';

/**
 * Deletes an account at its owner's wish: ends its apps and databases, and with the deletion its period,
 * which is invoiced at once (R56). Nobody can log in to it any more, and its address is free again.
 *
 * @throws Fault `account_unknown`, also when it is deleted already.
 */
export async function destroyAccount(context: CommandContext, accountId: string): Promise<void> {
  await runCommand(context, accountId, async (command) => {
    const { tx, now, account, desired } = command;
    for (const app of desired.apps) await endApp(command, app);
    await command.record({ type: 'account.deleted' });
    await removeLogin(tx, accountId);
    await revokeAccountKeys(tx, now, accountId);
    // Whoever signs up with the address next is somebody else.
    await tx.deleteFrom('permission').where('email', '=', emailKey(account.email)).execute();
    await command.tell('account.delete_requested', {});
  });
}
