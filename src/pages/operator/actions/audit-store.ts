import type { Db } from '../../../database/pool.ts';
import { sliceOf, type Slice } from '../slice.ts';

/** What an operator did, or tried to. */
export type AuditEntry = {
  readonly accountId: string;
  readonly actionId: string;
  readonly actor: string;
  readonly kind: string;
  readonly details: unknown;
  /** started: it was cut off, or is under way. */
  readonly state: 'started' | 'done' | 'refused';
  readonly message: string | undefined;
  readonly startedAt: Date;
};

type NewEntry = Pick<AuditEntry, 'accountId' | 'actionId' | 'actor' | 'kind'> & {
  readonly details: Readonly<Record<string, unknown>>;
};

/** Written and committed before anything is done. Answers whether it is new: a form may be sent twice. */
export async function beginAction(db: Db, now: Date, entry: NewEntry): Promise<boolean> {
  const inserted = await db
    .insertInto('operator_action')
    .values({
      account_id: entry.accountId,
      action_id: entry.actionId,
      actor: entry.actor,
      kind: entry.kind,
      details: JSON.stringify(entry.details),
      state: 'started',
      started_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('action_id')
    .executeTakeFirst();
  return inserted !== undefined;
}

export async function endAction(
  db: Db,
  now: Date,
  { accountId, actionId }: Pick<AuditEntry, 'accountId' | 'actionId'>,
  result: { readonly state: 'done' | 'refused'; readonly message: string },
): Promise<void> {
  await db
    .updateTable('operator_action')
    .set({ ...result, ended_at: now })
    .where('account_id', '=', accountId)
    .where('action_id', '=', actionId)
    .where('state', '=', 'started')
    .execute();
}

export async function findAction(
  db: Db,
  accountId: string,
  actionId: string,
): Promise<AuditEntry | undefined> {
  const row = await db
    .selectFrom('operator_action')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('action_id', '=', actionId)
    .executeTakeFirst();
  return row && toEntry(row);
}

/** So that a page stays small, whatever was done. */
export const ACTIONS_PER_PAGE = 25;

/** The latest first. */
export async function listActions(db: Db, from: number): Promise<Slice<AuditEntry>> {
  const rows = await db
    .selectFrom('operator_action')
    .selectAll()
    .orderBy('started_at', 'desc')
    .orderBy('action_id')
    .offset(from)
    .limit(ACTIONS_PER_PAGE + 1)
    .execute();
  return sliceOf(rows.map(toEntry), from, ACTIONS_PER_PAGE);
}

function toEntry(row: {
  readonly account_id: string;
  readonly action_id: string;
  readonly actor: string;
  readonly kind: string;
  readonly details: unknown;
  readonly state: string;
  readonly message: string | null;
  readonly started_at: Date;
}): AuditEntry {
  return {
    accountId: row.account_id,
    actionId: row.action_id,
    actor: row.actor,
    kind: row.kind,
    details: row.details,
    state: row.state === 'done' || row.state === 'refused' ? row.state : 'started',
    message: row.message ?? undefined,
    startedAt: row.started_at,
  };
}
