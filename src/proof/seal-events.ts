import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { CHAIN_START, findLastSeal, lastLinkOf, readChain } from './chain-store.ts';
import { linkAfter } from './event-chain.ts';

const EVENTS_PER_SEAL = 1000;

/** Accounts with an invoice that carries no chain head yet; the oldest invoice first. */
export async function findUnsealed(db: Db, limit = 100): Promise<string[]> {
  const rows = await db
    .selectFrom('invoice')
    .select('account_id')
    .where('chain_head', 'is', null)
    .orderBy('created_at')
    .limit(limit)
    .execute();
  return [...new Set(rows.map((row) => row.account_id))];
}

/**
 * Seals all recorded events of an account and gives each invoice the link of the last event that was known
 * when it was computed. Outside of recording, which stays as fast as it is; one short transaction per
 * thousand events. Safe to repeat and to run anywhere at once: seals are written under the account's lock.
 */
export async function sealEvents(db: Db, account: string): Promise<void> {
  for (;;) {
    const isDone = await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => await sealSome(tx, account));
    if (isDone) return;
  }
}

/** Up to the next invoice without a head, and up to the last event where there is none. */
async function sealSome(tx: Db, account: string): Promise<boolean> {
  await lockAccounts(tx, [account]);
  const last = await findLastSeal(tx, account);
  const invoice = await tx
    .selectFrom('invoice')
    .select(['invoice_id', 'recording'])
    .where('account_id', '=', account)
    .where('chain_head', 'is', null)
    .orderBy('recording')
    .limit(1)
    .executeTakeFirst();
  const bound = invoice?.recording ?? MAX_RECORDING;
  const events = await readChain(
    tx,
    account,
    last?.last ?? CHAIN_START,
    { recording: bound },
    EVENTS_PER_SEAL,
  );
  let head = lastLinkOf(last);
  const links = events.map((event) => (head = linkAfter(head, account, event)));
  const end = events.at(-1);
  if (end !== undefined) {
    await tx
      .insertInto('event_seal')
      .values({
        account_id: account,
        sealed_count: (last?.sealedCount ?? 0n) + BigInt(events.length),
        recording: end.recording,
        source: end.source,
        event_id: end.id,
        links: Buffer.from(links.join(''), 'hex'),
      })
      .execute();
  }
  if (events.length === EVENTS_PER_SEAL) return false;
  if (invoice === undefined) return true;
  await tx
    .updateTable('invoice')
    .set({ chain_head: head })
    .where('account_id', '=', account)
    .where('invoice_id', '=', invoice.invoice_id)
    .execute();
  return false;
}

const MAX_RECORDING = 2n ** 63n - 1n;
