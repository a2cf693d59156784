import { insertAccounts, type NewAccount } from '../../accounts/store.ts';
import type { Db } from '../../database/pool.ts';
import { isEventOf } from '../../events/event.ts';
import { DUPLICATE, RECORDED, refused, type Outcome } from '../../events/outcome.ts';
import { findWaiting } from '../../events/parking.ts';
import { accountExists, beforeSignUp, idReused } from '../../events/refusal.ts';
import type { Second } from '../../values/instant.ts';
import type { Looked } from './look-up.ts';
import type { NewEvent } from './new-event.ts';
import { findHindrances } from './requirements.ts';

/** What stands against recording an event, or RECORDED: whoever asks writes it next. Accounts begin here. */
export async function decide(
  tx: Db,
  batch: readonly NewEvent[],
  looked: readonly Looked[],
): Promise<readonly Outcome[]> {
  const outcomes = batch.map((one, position) => objectionTo(one, looked[position]!) ?? RECORDED);
  await signUp(tx, batch, outcomes);
  const admitted = batch.filter((_, position) => outcomes[position] === RECORDED);
  const hindrances = await findHindrances(
    tx,
    admitted.map(({ event }) => event),
  );
  const waiting = await findRequirements(tx, batch, looked);
  return batch.map(
    (one, position) => hindrances.get(one.event) ?? waiting.get(one) ?? outcomes[position]!,
  );
}

function objectionTo(
  { event, fingerprint }: NewEvent,
  { signedUpAt, fingerprint: taken }: Looked,
): Outcome | undefined {
  if (taken !== null) return taken === fingerprint ? DUPLICATE : refused(idReused(event));
  if (event.fact.type === 'account.created') {
    return signedUpAt === null ? undefined : refused(accountExists(event, signedUpAt));
  }
  if (signedUpAt === null) {
    return { status: 'parked', waitsFor: { kind: 'account', name: event.account } };
  }
  return event.occurredAt.second < signedUpAt
    ? refused(beforeSignUp(event, signedUpAt))
    : undefined;
}

/** An account begins with its sign-up; of two in one batch the first counts. */
async function signUp(tx: Db, batch: readonly NewEvent[], outcomes: Outcome[]): Promise<void> {
  const signedUpAt = new Map<string, Second>();
  const accounts: NewAccount[] = [];
  for (const [position, { event }] of batch.entries()) {
    if (!isEventOf('account.created')(event) || outcomes[position] !== RECORDED) continue;
    const { account: id, occurredAt, fact } = event;
    const first = signedUpAt.get(id);
    if (first === undefined) {
      signedUpAt.set(id, occurredAt.second);
      accounts.push({ id, email: fact.email, signedUpAt: occurredAt.second });
    } else {
      outcomes[position] = refused(accountExists(event, first));
    }
  }
  await insertAccounts(tx, accounts);
}

/** What is reported once more while it is parked goes on waiting for what it waits for. */
async function findRequirements(
  tx: Db,
  batch: readonly NewEvent[],
  looked: readonly Looked[],
): Promise<ReadonlyMap<NewEvent, Outcome>> {
  const repeats = batch.filter(({ fingerprint }, position) => {
    const { isRecorded, fingerprint: taken } = looked[position]!;
    return isRecorded === false && taken === fingerprint;
  });
  const waitsFor = await findWaiting(
    tx,
    repeats.map(({ event }) => event),
  );
  return new Map(
    repeats.map((one, index) => [one, { status: 'parked', waitsFor: waitsFor[index]! }]),
  );
}
