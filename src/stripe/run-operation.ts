import type { Answer, Refusal } from './gateway.ts';
import { holdLease, type Lease } from './lease.ts';
import type { Look, Operation, OPERATION_MOMENTS, Outcome, StripeContext } from './operation.ts';
import {
  insertOperation,
  latestOperation,
  requestOf,
  saveRefusal,
  saveResult,
  saveUnknown,
  stampSending,
  type OperationRow,
} from './operation-store.ts';

/**
 * Stripe forgets keys that are 24 hours old and would then run the same call a second time, so ours
 * end an hour earlier.
 */
const KEY_LIFE_MS = 23 * 3_600_000;
/** A server error that was saved under the key comes back for a day: three mean it will not change. */
const MAX_SERVER_ERRORS = 3;
/** A process that slept this long between its note and the call must look at the note again. */
const MAX_PAUSE_MS = 30_000;
/**
 * Later than anything that was noted as sent can still be at work, so that a look cannot miss it: that
 * pause, 10 s for its turn, two tries of 30 s, and a third that Stripe goes on with after we gave it up.
 */
const SETTLED_AFTER_MS = MAX_PAUSE_MS + 240_000;
/** Noted on an operation that Stripe took but has not decided. */
const PENDING = 202;
const PENDING_PAUSE_MS = 3_600_000;

/**
 * Plans, sends and saves one operation. Running it again after any interruption resends the same call
 * under the same key, or looks at Stripe first when the key may be forgotten. Never holds a transaction
 * during a call.
 *
 * @throws LeaseLost, and Unanswered from looking; in both cases running it again later is right.
 */
export async function runOperation<R>(
  context: StripeContext,
  lease: Lease,
  operation: Operation<R>,
): Promise<Outcome<R>> {
  await at(context, operation, 'begin');
  const first = await prepare(context, lease, operation, false);
  const prepared =
    first.next === 'look' ? await lookUp(context, lease, operation, first.row) : first;
  if (prepared.next === 'return') return prepared.outcome;
  await at(context, operation, 'planned');
  const { row } = prepared;
  if (context.clock().getTime() - row.last_sent_at!.getTime() > MAX_PAUSE_MS) {
    return { outcome: 'later', waitMs: 0, reason: 'this process slept before the call' };
  }
  const answer = await context.gateway.send(requestOf(row));
  await at(context, operation, 'answered');
  const outcome = await settle(context, lease, operation, row, answer);
  await at(context, operation, 'saved');
  return outcome;
}

type Prepared<R> =
  | { readonly next: 'return'; readonly outcome: Outcome<R> }
  | { readonly next: 'send'; readonly row: OperationRow };
type ToLook = { readonly next: 'look'; readonly row: OperationRow | undefined };

/** The first transaction: decides, freezes and stamps. `hasLooked`: Stripe has nothing of this operation. */
async function prepare<R>(
  { db, clock }: StripeContext,
  lease: Lease,
  operation: Operation<R>,
  hasLooked: boolean,
): Promise<Prepared<R> | ToLook> {
  return await db.transaction().execute(async (tx) => {
    const now = clock();
    await holdLease(tx, now, lease);
    const latest = await latestOperation(tx, operation);
    if (latest?.state === 'done') {
      const result = operation.parse(latest.result);
      if (result === undefined) throw new Error(`unreadable result of ${latest.idempotency_key}`);
      // A no-op, except where an operator put its subject back to an earlier state.
      await operation.save(tx, result);
      return { next: 'return', outcome: { outcome: 'done', result } };
    }
    const isNew = latest === undefined || latest.state === 'refused';
    const mustLook = isNew ? operation.isLookedUpFirst === true : isExpired(latest, now);
    if (mustLook && !hasLooked) return { next: 'look', row: latest };
    const row =
      latest === undefined || isNew || hasLooked
        ? await insertOperation(
            tx,
            operation,
            (latest?.generation ?? -1) + 1,
            await operation.plan(tx),
          )
        : latest;
    return { next: 'send', row: await stampSending(tx, row, now) };
  });
}

function isExpired(row: OperationRow, now: Date): boolean {
  if (row.first_sent_at === null) return false;
  if (row.http_status === PENDING) return true;
  if (now.getTime() - row.first_sent_at.getTime() >= KEY_LIFE_MS) return true;
  const isSettled = now.getTime() - (row.last_sent_at?.getTime() ?? 0) >= SETTLED_AFTER_MS;
  return isSettled && row.sends >= MAX_SERVER_ERRORS && (row.http_status ?? 0) >= 500;
}

async function lookUp<R>(
  context: StripeContext,
  lease: Lease,
  operation: Operation<R>,
  row: OperationRow | undefined,
): Promise<Prepared<R>> {
  const look = await operation.look(row);
  if (look === 'absent') {
    const prepared = await prepare(context, lease, operation, true);
    if (prepared.next === 'look') throw new Error(`looked in vain for ${operation.step}`);
    return prepared;
  }
  return { next: 'return', outcome: await adopt(context, lease, operation, row, look) };
}

/** Saves what a look found as if it had been the answer. */
async function adopt<R>(
  { db, clock }: StripeContext,
  lease: Lease,
  operation: Operation<R>,
  row: OperationRow | undefined,
  look: Exclude<Look<R>, 'absent'>,
): Promise<Outcome<R>> {
  if ('waitMs' in look) return { outcome: 'later', ...look };
  return await db.transaction().execute(async (tx) => {
    await holdLease(tx, clock(), lease);
    const adopted = row ?? (await insertOperation(tx, operation, 0, await operation.plan(tx)));
    if ('refused' in look) {
      await saveRefusal(tx, adopted, look.refused, null);
      await operation.refuse(tx, look.refused);
      return { outcome: 'refused', refusal: look.refused };
    }
    await saveResult(tx, adopted, look.found, null);
    await operation.save(tx, look.found);
    return { outcome: 'done', result: look.found };
  });
}

/** The second transaction: what the answer means. */
async function settle<R>(
  context: StripeContext,
  lease: Lease,
  operation: Operation<R>,
  row: OperationRow,
  answer: Answer,
): Promise<Outcome<R>> {
  const { db, clock } = context;
  if (answer.outcome === 'limited' || answer.outcome === 'barred') {
    const isBarred = answer.outcome === 'barred';
    const waitMs = isBarred ? 60_000 : (answer.retryAfterMs ?? pauseMs(row.sends));
    return { outcome: 'later', waitMs, reason: answer.reason, isBarred };
  }
  if (answer.outcome === 'refused' && isDoubtful(operation, answer.refusal)) {
    const look = await operation.look(row);
    if (look !== 'absent') return await adopt(context, lease, operation, row, look);
  }
  return await db.transaction().execute(async (tx) => {
    await holdLease(tx, clock(), lease);
    if (answer.outcome === 'refused') {
      await saveRefusal(tx, row, answer.refusal, answer.requestId);
      await operation.refuse(tx, answer.refusal);
      return { outcome: 'refused', refusal: answer.refusal };
    }
    const result = answer.outcome === 'ok' ? operation.parse(answer.body) : undefined;
    if (result !== undefined && operation.isPending?.(result) === true) {
      const reason = 'Stripe has not decided yet';
      await saveUnknown(tx, row, PENDING, reason);
      return { outcome: 'later', waitMs: PENDING_PAUSE_MS, reason };
    }
    if (answer.outcome === 'ok' && result !== undefined) {
      await saveResult(tx, row, result, answer.requestId);
      await operation.save(tx, result);
      return { outcome: 'done', result };
    }
    const [status, reason] =
      answer.outcome === 'ok' ? [200, 'an unreadable answer'] : [answer.status, answer.reason];
    await saveUnknown(tx, row, status, reason);
    return { outcome: 'later', waitMs: pauseMs(row.sends), reason };
  });
}

/** "Other parameters under this key": an earlier life of this database sent it with other content. */
function isDoubtful<R>(operation: Operation<R>, refusal: Refusal): boolean {
  return refusal.type === 'idempotency_error' || operation.isDoubtful?.(refusal) === true;
}

/** 1 s, doubled per try, at most 5 minutes. */
function pauseMs(sends: number): number {
  return Math.min(1000 * 2 ** Math.max(0, sends - 1), 300_000);
}

async function at<R>(
  { atPoint }: StripeContext,
  { step }: Operation<R>,
  moment: (typeof OPERATION_MOMENTS)[number],
): Promise<void> {
  await atPoint?.(`${step}:${moment}`);
}
