import { lockAccounts } from '../../../accounts/lock.ts';
import type { Db } from '../../../database/pool.ts';
import type { Outcome } from '../../../events/outcome.ts';
import { unparkOne } from '../../../events/parking.ts';
import { describeRefusal } from '../../../events/refusal.ts';
import type { RecordWithin } from '../../../metering/record-events.ts';
import { Fault } from '../../../values/fault.ts';

export type RetryContext = { readonly db: Db; readonly now: Date; readonly record: RecordWithin };

/** Reports a parked event once more; it goes on waiting when it still must. Answers what became of it. */
export async function retryParked(
  { db, now, record }: RetryContext,
  event: { readonly account: string; readonly source: string; readonly id: string },
): Promise<string> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      // First the account, as everywhere: the other way round two could wait for each other.
      await lockAccounts(tx, [event.account]);
      const parked = await unparkOne(tx, event);
      if (parked === undefined) throw gone();
      const [outcome] = await record(tx, now, [parked.reported]);
      // It has waited since then, whoever looked.
      await tx
        .updateTable('parked_event')
        .set({ parked_at: parked.parkedAt })
        .where('account_id', '=', event.account)
        .where('source', '=', event.source)
        .where('event_id', '=', event.id)
        .execute();
      return describe(outcome!);
    });
}

/** Reports a refused event once more; what is taken leaves the quarantine. Answers what became of it. */
export async function retryQuarantined(
  { db, now, record }: RetryContext,
  digest: Buffer,
): Promise<string> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const row = await tx
        .selectFrom('quarantined_event')
        .select('reported')
        .where('digest', '=', digest)
        .executeTakeFirst();
      if (row === undefined) throw gone();
      const [outcome] = await record(tx, now, [readReported(row.reported)]);
      if (outcome!.status !== 'refused') {
        await tx.deleteFrom('quarantined_event').where('digest', '=', digest).execute();
      }
      return describe(outcome!);
    });
}

function describe(outcome: Outcome): string {
  switch (outcome.status) {
    case 'recorded':
      return 'It is recorded now.';
    case 'duplicate':
      return 'It was recorded before already.';
    case 'parked':
      return `It still waits for ${outcome.waitsFor.kind} ${outcome.waitsFor.name}.`;
    case 'refused':
      return `It is still refused: ${describeRefusal(outcome.refusal)}.`;
  }
}

function readReported(text: string): unknown {
  // What was no JSON at all is kept as this word.
  return text === 'undefined' ? undefined : JSON.parse(text);
}

function gone(): Fault {
  return new Fault('not_found', 'event_gone', 'this event is not there any more: it was settled');
}
