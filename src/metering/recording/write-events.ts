import { copyInto } from '../../database/copy.ts';
import type { Db } from '../../database/pool.ts';
import { CONTENT_COLUMNS, type NewEvent } from './new-event.ts';

const IDENTITY = 'account_id, source, event_id';
const RECORDED = 'recording, recorded_at';

/**
 * Keeps events as facts, each with its identity. An identity that is taken already fails the transaction:
 * whoever calls has looked, and holds the accounts' lock.
 */
export async function writeEvents(
  tx: Db,
  now: Date,
  recording: bigint,
  events: readonly NewEvent[],
): Promise<void> {
  const recorded = `${recording}\t${now.toISOString()}`;
  await copyInto(
    tx,
    `event_identity (${IDENTITY}, fingerprint, ${RECORDED})`,
    events.map(({ identityText, fingerprint }) => {
      return `${identityText}\t\\\\x${fingerprint}\t${recorded}`;
    }),
  );
  await copyInto(
    tx,
    `event (${IDENTITY}, ${CONTENT_COLUMNS}, ${RECORDED})`,
    events.map(({ identityText, contentText }) => `${identityText}\t${contentText}\t${recorded}`),
  );
}
