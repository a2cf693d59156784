import { createHash, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Selectable } from 'kysely';
import { addSignals } from '../accounts/signals.ts';
import { findAccount } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import type { SignUp } from '../database/tables.ts';
import { Fault } from '../values/fault.ts';
import { emailKey, requireFreeEmail } from './login-store.ts';
import { hashPassword, requireFitPassword } from './password.ts';
import { newAccountId, openAccount, type LoginContext } from './sign-up.ts';

type Context = Pick<LoginContext, 'db' | 'clock'>;

/** A sign-up that is begun must end within a day. */
const LIFETIME_MS = 86_400_000;
/** Of a million codes: guessing one of these is a matter of luck. */
const MOST_WRONG_CODES = 5;
const MOST_PER_HOUR = 5;

/**
 * First step: the address, to which a code is sent. The answered id stands for the sign-up and must be kept
 * secret.
 *
 * @throws Fault `email_taken`, `too_many_attempts`.
 */
export async function startSignUp(
  { db, clock }: Context,
  address: string,
): Promise<{ readonly signUpId: string }> {
  const now = clock();
  const email = emailKey(address);
  await requireFreeEmail(db, email);
  const signUpId = randomUUID();
  const accountId = newAccountId();
  const code = String(randomInt(1_000_000)).padStart(6, '0');
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom('sign_up').where('created_at', '<', longAgo(now)).execute();
    if ((await startedWithinHour(tx, now, email)) >= MOST_PER_HOUR) throw tooMany();
    await tx
      .insertInto('sign_up')
      .values({
        sign_up_id: signUpId,
        account_id: accountId,
        email,
        code_sha256: hashOf(signUpId, code),
        created_at: now,
      })
      .execute();
    const expiresAt = new Date(now.getTime() + LIFETIME_MS).toISOString();
    const details = { email, code, expires_at: expiresAt };
    await addSignals(tx, now, [{ accountId, kind: 'email.confirmation_code', details }]);
  });
  return { signUpId };
}

/** Second step: the code. @throws Fault `sign_up_unknown`, `code_wrong`, `too_many_attempts`. */
export async function confirmSignUp(
  context: Context,
  signUpId: string,
  code: string,
): Promise<void> {
  const { db, clock } = context;
  await requireSignUp(context, signUpId);
  // Counted before it is looked at, so that guesses sent at once count as well.
  const counted = await db
    .updateTable('sign_up')
    .set((set) => ({ wrong_codes: set('wrong_codes', '+', 1) }))
    .where('sign_up_id', '=', signUpId)
    .where('wrong_codes', '<', MOST_WRONG_CODES)
    .returning('code_sha256')
    .executeTakeFirst();
  if (counted === undefined) throw tooMany();
  if (!timingSafeEqual(counted.code_sha256, hashOf(signUpId, code.trim()))) {
    throw new Fault('invalid', 'code_wrong', 'is not the code that was sent');
  }
  await db
    .updateTable('sign_up')
    .set({ confirmed_at: clock(), wrong_codes: 0 })
    .where('sign_up_id', '=', signUpId)
    .execute();
}

/** Third step. @throws Fault `sign_up_unknown`, `sign_up_unconfirmed`, `password_unfit`. */
export async function setSignUpPassword(
  context: Context,
  signUpId: string,
  password: string,
): Promise<void> {
  const signUp = await requireSignUp(context, signUpId);
  if (signUp.confirmed_at === null) throw unfinished('confirm the e-mail address first');
  requireFitPassword(password);
  await context.db
    .updateTable('sign_up')
    .set({ password_hash: await hashPassword(password) })
    .where('sign_up_id', '=', signUpId)
    .where('completed_at', 'is', null)
    .execute();
}

/**
 * Makes the account of a sign-up, confirmed and in the FREE tier, unless it is there already: for its last
 * step, or for the card before it. Safe to repeat.
 *
 * @throws Fault `sign_up_unknown`, `sign_up_unfinished`, `email_taken`.
 */
export async function openSignedUp(
  context: LoginContext,
  signUpId: string,
): Promise<{ readonly accountId: string; readonly email: string }> {
  const { email, account_id: accountId, ...signUp } = await requireSignUp(context, signUpId);
  const { confirmed_at: confirmedAt, password_hash: passwordHash } = signUp;
  if (confirmedAt === null) throw unfinished('confirm the e-mail address first');
  if (passwordHash === null) throw unfinished('set a password first');
  await context.db.transaction().execute(async (tx) => {
    await tx
      .selectFrom('sign_up')
      .select('sign_up_id')
      .where('sign_up_id', '=', signUpId)
      .forUpdate()
      .execute();
    if ((await findAccount(tx, accountId)) !== undefined) return;
    const account = { accountId, email, passwordHash, isConfirmed: true };
    await openAccount({ ...context, db: tx }, account);
  });
  return { accountId, email };
}

/** Ends a sign-up: its id is good for nothing any more. @throws Fault `sign_up_unknown`. */
export async function completeSignUp({ db, clock }: Context, signUpId: string): Promise<void> {
  const completed = await db
    .updateTable('sign_up')
    .set({ completed_at: clock(), password_hash: null })
    .where('sign_up_id', '=', signUpId)
    .where('completed_at', 'is', null)
    .returning('sign_up_id')
    .executeTakeFirst();
  if (completed === undefined) throw unknownSignUp();
}

async function requireSignUp(
  { db, clock }: Context,
  signUpId: string,
): Promise<Selectable<SignUp>> {
  const signUp = await db
    .selectFrom('sign_up')
    .selectAll()
    .where('sign_up_id', '=', signUpId)
    .where('completed_at', 'is', null)
    .where('created_at', '>=', longAgo(clock()))
    .executeTakeFirst();
  if (signUp === undefined) throw unknownSignUp();
  return signUp;
}

function longAgo(now: Date): Date {
  return new Date(now.getTime() - LIFETIME_MS);
}

async function startedWithinHour(tx: Db, now: Date, email: string): Promise<number> {
  const { count } = await tx
    .selectFrom('sign_up')
    .select((select) => select.fn.countAll<bigint>().as('count'))
    .where('email', '=', email)
    .where('created_at', '>', new Date(now.getTime() - 3_600_000))
    .executeTakeFirstOrThrow();
  return Number(count);
}

function hashOf(signUpId: string, code: string): Buffer {
  return createHash('sha256').update(`${signUpId}/${code}`).digest();
}

function unknownSignUp(): Fault {
  const message = 'is unknown, completed or older than a day: begin the sign-up again';
  return new Fault('invalid', 'sign_up_unknown', message);
}

function unfinished(what: string): Fault {
  return new Fault('conflict', 'sign_up_unfinished', `The sign-up is not finished: ${what}.`);
}

function tooMany(): Fault {
  return new Fault('limited', 'too_many_attempts', 'Too many attempts. Please try again later.');
}
