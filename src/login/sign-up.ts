import { randomUUID } from 'node:crypto';
import type { Account } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import type { Fact } from '../events/event.ts';
import type { RecordWithin } from '../metering/record-events.ts';
import { reportOf } from '../platform/command.ts';
import { commandInstant } from '../platform/command-instant.ts';
import type { Clock } from '../values/clock.ts';
import { assert } from '../values/fault.ts';
import { toSecond } from '../values/instant.ts';
import { sendToken } from './email-token.ts';
import { requireFreeEmail, saveLogin } from './login-store.ts';
import { hashPassword, requireFitPassword } from './password.ts';

export type LoginContext = {
  readonly db: Db;
  readonly clock: Clock;
  readonly record: RecordWithin;
};

/**
 * Signs somebody up in one step: an account in the FREE tier, whose periods start now (R17, R29), and a
 * token to confirm the address with (R24).
 *
 * @throws Fault `email_taken`, `password_unfit`.
 */
export async function signUp(
  context: LoginContext,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<{ readonly accountId: string }> {
  requireFitPassword(password);
  await requireFreeEmail(context.db, email);
  const accountId = newAccountId();
  const passwordHash = await hashPassword(password);
  await context.db.transaction().execute(async (tx) => {
    const account = { accountId, email, passwordHash, isConfirmed: false };
    await openAccount({ ...context, db: tx }, account);
    await sendToken(tx, context.clock(), { id: accountId, email }, 'confirm_email');
  });
  return { accountId };
}

export function newAccountId(): string {
  return `acc_${randomUUID().replaceAll('-', '')}`;
}

/**
 * Creates an account with its login, signed up now; `context.db` is a transaction.
 *
 * @throws Fault `email_taken`.
 */
export async function openAccount(
  { db: tx, clock, record }: LoginContext,
  given: {
    readonly accountId: string;
    readonly email: string;
    readonly passwordHash: string;
    readonly isConfirmed: boolean;
  },
): Promise<void> {
  const now = clock();
  const account = { id: given.accountId, email: given.email, signedUpAt: toSecond(now) };
  await requireFreeEmail(tx, account.email);
  const own = { record, tx, now };
  await recordOwn(own, account, { type: 'account.created', email: account.email });
  if (given.isConfirmed) await recordOwn(own, account, { type: 'account.confirmed' });
  await saveLogin(tx, now, account, given.passwordHash);
}

/** Records a fact about an account that no other fact can contradict, at the earliest when it signed up. */
export async function recordOwn(
  { record, tx, now }: { readonly record: RecordWithin; readonly tx: Db; readonly now: Date },
  account: Pick<Account, 'id' | 'signedUpAt'>,
  fact: Fact,
): Promise<void> {
  const at = commandInstant(now, account.signedUpAt, undefined);
  const [outcome] = await record(tx, now, [reportOf(account.id, fact, at)]);
  assert(outcome?.status === 'recorded', `${fact.type} was not recorded: ${outcome?.status}`);
}
