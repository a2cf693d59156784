import { Command } from 'commander';
import { requireAccount } from '../accounts/require-account.ts';
import type { Db } from '../database/pool.ts';
import { makeSignInLink } from '../login/sign-in-link.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import type { Services } from './context.ts';
import { printJson, type Output } from './output.ts';

export type SignInOptions = {
  readonly operator?: true;
  readonly as: string;
  readonly json?: true;
};

type Context = {
  readonly db: Db;
  /** Where the service listens, by the settings. */
  readonly url: string;
  readonly output: Output;
  readonly now: Date;
};

/** Adds `gigameter sign-in …`. `run` opens the services, and sets the exit code it is given. */
export function addSignInCommand(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock }: { readonly output: Output; readonly clock: Clock },
): void {
  program
    .command('sign-in [account]')
    .description('print a link that opens the pages of an account or, with --operator, all pages')
    .option('--operator', 'sign in as an operator')
    .option('--as <name>', 'who signs in: written down with what an operator does', 'operator')
    .option('--json', 'print JSON')
    .action(async (account: string | undefined, options: SignInOptions) => {
      await run(({ db, url }) =>
        signInCommand({ db, url, output, now: clock() }, account, options),
      );
    });
}

/** `gigameter sign-in`: the link is good once, for a quarter of an hour. */
export async function signInCommand(
  { db, url, output, now }: Context,
  account: string | undefined,
  { operator, as, json }: SignInOptions,
): Promise<number> {
  if ((operator ?? false) === (account !== undefined)) {
    throw new Fault('invalid', 'invalid_option', 'give either an account or --operator');
  }
  const accountId = account === undefined ? undefined : (await requireAccount(db, account)).id;
  const { path, expiresAt } = await makeSignInLink(db, now, { accountId, actor: as });
  const link = `${url}${path}`;
  if (json) printJson(output, { url: link, expires_at: expiresAt.toISOString() });
  else {
    output.note(`Good once, until ${expiresAt.toISOString()}:`);
    output.data(link);
  }
  return 0;
}
