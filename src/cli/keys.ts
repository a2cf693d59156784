import type { Command } from 'commander';
import { requireAccount } from '../accounts/require-account.ts';
import { isScope, SCOPES, type ApiKey } from '../accounts/api-key.ts';
import {
  issueAccountKey,
  issueOperatorKey,
  listKeys,
  revokeKey,
} from '../accounts/api-key-store.ts';
import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import type { Services } from './context.ts';
import { printJson, tableOf, type Output } from './output.ts';

type Context = { readonly db: Db; readonly output: Output; readonly now: Date };
type JsonOption = { readonly json?: true };

export type CreateKeyOptions = JsonOption & {
  readonly scope?: readonly string[];
  readonly account?: string;
  readonly label: string;
};

/** Adds `gigameter keys …`. `run` opens the services, and sets the exit code it is given. */
export function addKeysCommands(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock }: { readonly output: Output; readonly clock: Clock },
): void {
  const keys = program.command('keys').description('API keys of operators and accounts');
  const context = ({ db }: Services): Context => ({ db, output, now: clock() });
  keys
    .command('create')
    .description('make a key and show it, this once')
    .option('--scope <scopes...>', `what an operator may do with it: ${SCOPES.join(', ')}`)
    .option('--account <account>', "instead: an account's own key, which reads that account")
    .option('--label <text>', 'what it is for', '')
    .option('--json', 'print JSON')
    .action(
      async (options: CreateKeyOptions) =>
        await run((services) => createKeyCommand(context(services), options)),
    );
  keys
    .command('list')
    .description("the operators' keys, without their secrets")
    .option('--account <account>', "instead: that account's")
    .option('--json', 'print JSON')
    .action(
      async (options: JsonOption & { readonly account?: string }) =>
        await run((services) => listKeysCommand(context(services), options)),
    );
  keys
    .command('revoke <key-id>')
    .description('end a key at once')
    .option('--json', 'print JSON')
    .action(
      async (keyId: string, options: JsonOption) =>
        await run((services) => revokeKeyCommand(context(services), keyId, options)),
    );
}

/** `gigameter keys create`: an operator's key with scopes, or a key for one account. Shown this once. */
export async function createKeyCommand(
  { db, output, now }: Context,
  options: CreateKeyOptions,
): Promise<number> {
  const { label, account } = options;
  const scopes = (options.scope ?? []).flatMap((text) => text.split(','));
  const unknown = scopes.find((scope) => !isScope(scope));
  if (unknown !== undefined) {
    const rule = `--scope must be one of ${SCOPES.join(', ')}`;
    throw new Fault('invalid', 'invalid_option', `${rule}, not ${JSON.stringify(unknown)}`);
  }
  if ((account === undefined) === (scopes.length === 0)) {
    throw new Fault('invalid', 'invalid_option', 'give either --scope or --account');
  }
  const key =
    account === undefined
      ? await issueOperatorKey(db, now, { scopes: scopes.filter(isScope), label })
      : await issueAccountKey(db, now, (await requireAccount(db, account)).id, label);
  if (options.json) printJson(output, { ...keyToJson(key), key: key.secret });
  else {
    output.note(`${key.keyId}, good until ${key.expiresAt.toISOString()}. It is not shown again:`);
    output.data(key.secret);
  }
  return 0;
}

/** `gigameter keys list`: all but the keys themselves. */
export async function listKeysCommand(
  { db, output }: Context,
  options: JsonOption & { readonly account?: string },
): Promise<number> {
  const keys = await listKeys(db, options.account);
  if (options.json) printJson(output, { keys: keys.map(keyToJson) });
  else output.data(keysToText(keys));
  return 0;
}

/** `gigameter keys revoke KEY_ID`: from now on the key is refused everywhere. Safe to repeat. */
export async function revokeKeyCommand(
  { db, output, now }: Context,
  keyId: string,
  options: JsonOption,
): Promise<number> {
  const wasGood = await revokeKey(db, now, keyId);
  if (options.json) printJson(output, { key_id: keyId, revoked_now: wasGood });
  else output.data(wasGood ? `${keyId} is revoked.` : `${keyId} was revoked before.`);
  return 0;
}

function keyToJson(key: ApiKey) {
  return {
    key_id: key.keyId,
    account: key.accountId ?? null,
    scopes: key.scopes,
    label: key.label,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt.toISOString(),
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
  };
}

function keysToText(keys: readonly ApiKey[]): string {
  if (keys.length === 0) return 'There are no keys.';
  const titles = ['key', 'for', 'label', 'expires', 'last used', 'revoked'];
  return tableOf(
    titles.map((title) => ({ title })),
    keys.map((key) => [
      key.keyId,
      key.accountId ?? key.scopes.join(','),
      key.label,
      key.expiresAt.toISOString(),
      key.lastUsedAt?.toISOString() ?? 'never',
      key.revokedAt?.toISOString() ?? '',
    ]),
  );
}
