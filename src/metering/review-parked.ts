import { sql } from 'kysely';
import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import type { Recording } from './record-events.ts';
import { settleParked } from './settle-events.ts';

/**
 * Takes parked supersessions whose event was recorded meanwhile. Unlike accounts, apps and databases, single
 * events are not looked for when they are recorded: that would cost every event something. Answers how many it
 * took; what came instead of an event may be waited for in turn. Safe to repeat.
 */
export async function reviewParked(
  { db, ...recording }: Recording & { readonly db: Db },
  now: Date,
  limit = 100,
): Promise<number> {
  const { rows } = await sql<{ account_id: string; name: string }>`
    select parked.account_id, parked.name from parked_event parked
    where parked.waits_for = 'event' and exists (
      select from event_identity identity where identity.account_id = parked.account_id
        and identity.source = parked.name::jsonb ->> 0
        and identity.event_id = parked.name::jsonb ->> 1 and identity.recording is not null)
    order by parked.parked_at limit ${limit}`.execute(db);
  for (const { account_id: account, name } of rows) {
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => {
        await lockAccounts(tx, [account]);
        await settleParked({ ...recording, tx, now }, [
          { account, known: { kind: 'event', name } },
        ]);
      });
  }
  return rows.length;
}
