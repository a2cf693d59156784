import { lockAccounts } from '../../../accounts/lock.ts';
import type { Db } from '../../../database/pool.ts';
import type { Outcome } from '../../../events/outcome.ts';
import { unparkOne } from '../../../events/parking.ts';
import { describeRefusal } from '../../../events/refusal.ts';
import type { RecordWithin } from '../../../metering/record-events.ts';
import { Fault } from '../../../values/fault.ts';
import { isolated } from '../../html/text.tsx';

export type RetryContext = { readonly db: Db; readonly now: Date; readonly record: RecordWithin };

/**
 * Reports a parked event once more. Answers what became of it.
 *
 * @throws Fault `event_parked` when it must go on waiting, `event_refused` when it is refused by now: both are kept.
 */
export async function retryParked(
  { db, now, record }: RetryContext,
  event: { readonly account: string; readonly source: string; readonly id: string },
): Promise<string> {
  const outcome = await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      // First the account, as everywhere: the other way round two could wait for each other.
      await lockAccounts(tx, [event.account]);
      const parked = await unparkOne(tx, event);
      if (parked === undefined) throw gone();
      const [recorded] = await record(tx, now, [parked.reported]);
      // It has waited since then, whoever looked.
      await tx
        .updateTable('parked_event')
        .set({ parked_at: parked.parkedAt })
        .where('account_id', '=', event.account)
        .where('source', '=', event.source)
        .where('event_id', '=', event.id)
        .execute();
      return recorded!;
    });
  return describe(outcome);
}

/** The same of a refused event; what is taken leaves the quarantine. */
export async function retryQuarantined(
  { db, now, record }: RetryContext,
  digest: Buffer,
): Promise<string> {
  const outcome = await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const row = await tx
        .selectFrom('quarantined_event')
        .select('reported')
        .where('digest', '=', digest)
        .executeTakeFirst();
      if (row === undefined) throw gone();
      const [recorded] = await record(tx, now, [readReported(row.reported)]);
      if (recorded!.status !== 'refused') {
        await tx.deleteFrom('quarantined_event').where('digest', '=', digest).execute();
      }
      return recorded!;
    });
  return describe(outcome);
}

function describe(outcome: Outcome): string {
  switch (outcome.status) {
    case 'recorded':
      return 'It is recorded now.';
    case 'duplicate':
      return 'It was recorded before already.';
    case 'parked': {
      const { kind, name } = outcome.waitsFor;
      throw new Fault('conflict', 'event_parked', `it still waits for ${kind} ${isolated(name)}`);
    }
    case 'refused': {
      const why = describeRefusal(outcome.refusal);
      throw new Fault('conflict', 'event_refused', `it is still refused: ${why}`);
    }
  }
}

function readReported(text: string): unknown {
  // What was no JSON at all is kept as this word.
  return text === 'undefined' ? undefined : JSON.parse(text);
}

function gone(): Fault {
  return new Fault('not_found', 'event_gone', 'this event is not there any more: it was settled');
}
