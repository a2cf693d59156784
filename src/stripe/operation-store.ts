import { sql, type Selectable, type Updateable } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { StripeOperation } from '../database/tables.ts';
import { z } from 'zod';
import { API_VERSION, type Call, type Param, type Refusal, type Request } from './gateway.ts';

/** What one operation is about: `subject` is an invoice, a refund, a card set-up or the account itself. */
export type OperationName = {
  readonly accountId: string;
  readonly subject: string;
  readonly step: string;
};

export type OperationRow = Selectable<StripeOperation>;

/** The latest generation, if any; earlier ones are history. */
export async function latestOperation(
  tx: Db,
  { accountId, subject, step }: OperationName,
): Promise<OperationRow | undefined> {
  return await tx
    .selectFrom('stripe_operation')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('subject', '=', subject)
    .where('step', '=', step)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Freezes a call under a key of ids only: the same call is never sent under another key. */
export async function insertOperation(
  tx: Db,
  name: OperationName,
  generation: number,
  call: Call,
): Promise<OperationRow> {
  return await tx
    .insertInto('stripe_operation')
    .values({
      account_id: name.accountId,
      subject: name.subject,
      step: name.step,
      generation,
      idempotency_key: `gm1:${name.step}:${name.subject}:g${generation}`,
      method: call.method,
      path: call.path,
      params: JSON.stringify(call.params),
      api_version: API_VERSION,
      state: 'planned',
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

const param: z.ZodType<Param> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.array(param), z.record(z.string(), param)]),
);
const frozenCall = z.object({
  method: z.enum(['GET', 'POST', 'DELETE']),
  path: z.string(),
  params: z.record(z.string(), param),
});

/** The frozen call as it is sent, the first time and every time. */
export function requestOf(row: OperationRow): Request {
  return {
    ...frozenCall.parse(row),
    idempotencyKey: row.idempotency_key,
    apiVersion: row.api_version,
  };
}

/** Notes that the call is about to leave; committed before it does. */
export async function stampSending(tx: Db, row: OperationRow, now: Date): Promise<OperationRow> {
  return await one(tx, row)
    .set({
      state: 'sent',
      first_sent_at: sql<Date>`coalesce(first_sent_at, ${now})`,
      last_sent_at: now,
      sends: sql<number>`sends + 1`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function saveResult(
  tx: Db,
  row: OperationRow,
  result: unknown,
  requestId: string | null,
): Promise<void> {
  await one(tx, row)
    .set({
      state: 'done',
      result: JSON.stringify(result),
      request_id: requestId,
      http_status: 200,
      error_type: null,
      error_code: null,
      decline_code: null,
      error_message: null,
    })
    .execute();
}

export async function saveRefusal(
  tx: Db,
  row: OperationRow,
  refusal: Refusal,
  requestId: string | null,
): Promise<void> {
  const change: Updateable<StripeOperation> = {
    state: 'refused',
    http_status: refusal.status,
    error_type: refusal.type,
    error_code: refusal.code,
    decline_code: refusal.declineCode,
    error_message: refusal.message,
    request_id: requestId,
  };
  await one(tx, row).set(change).execute();
}

export async function saveUnknown(
  tx: Db,
  row: OperationRow,
  status: number | null,
  reason: string,
): Promise<void> {
  await one(tx, row)
    .set({ state: 'unknown', http_status: status, error_message: reason })
    .execute();
}

function one(tx: Db, row: OperationRow) {
  return tx
    .updateTable('stripe_operation')
    .where('account_id', '=', row.account_id)
    .where('subject', '=', row.subject)
    .where('step', '=', row.step)
    .where('generation', '=', row.generation);
}
