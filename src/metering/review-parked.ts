import { sql } from 'kysely';
import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { unpark } from '../events/parking.ts';
import type { Recording } from './record-events.ts';
import { settleEvents } from './settle-events.ts';

/**
 * Takes parked supersessions whose event was recorded meanwhile. Unlike accounts, apps and databases, single
 * events are not looked for when they are recorded: that would cost every event something. Safe to repeat.
 */
export async function reviewParked(
  { db, ...recording }: Recording & { readonly db: Db },
  now: Date,
  limit = 100,
): Promise<number> {
  const { rows } = await sql<{ account_id: string; name: string }>`
    select parked.account_id, parked.name from parked_event parked
    where parked.waits_for = 'event' and exists (
      select from event where event.account_id = parked.account_id
        and event.source = parked.name::jsonb ->> 0 and event.event_id = parked.name::jsonb ->> 1)
    order by parked.parked_at limit ${limit}`.execute(db);
  for (const { account_id: account, name } of rows) {
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => {
        await lockAccounts(tx, [account]);
        const revived = await unpark(tx, [{ account, known: { kind: 'event', name } }]);
        await settleEvents({ ...recording, tx, now }, revived);
      });
  }
  return rows.length;
}
