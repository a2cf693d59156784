import type { Logger } from 'pino';
import { archiveMonths, monthsBefore } from '../archive/archive-months.ts';
import type { Config } from '../config.ts';
import type { Db } from '../database/pool.ts';
import { readPrices } from '../pricing/store.ts';
import { Fault } from '../values/fault.ts';

/** Beyond what corrections reach back to: the period that is open, and the month it began in. */
const MONTHS_BESIDE_CORRECTIONS = 2;

/**
 * Archives months that are older than the settings say, if they say where to. A month that is still needed, such
 * as by an account whose periods are overdue, is logged and left for another night.
 */
export async function archiveOld(
  db: Db,
  now: Date,
  { directory, afterMonths }: Config['archive'],
  log: Logger,
): Promise<void> {
  if (directory === undefined) return;
  const books = await readPrices(db, []);
  const corrected = Math.max(...books('').map(({ correctedMonths }) => correctedMonths));
  const before = monthsBefore(now, afterMonths ?? corrected + MONTHS_BESIDE_CORRECTIONS);
  try {
    await archiveMonths(db, now, {
      before,
      directory,
      onMonth: ({ month, file, rows, carried }) =>
        log.info({ month, file, rows, carried }, 'a month of events was archived'),
    });
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'month_needed')) throw error;
    log.warn({ before, reason: error.message }, 'a month of events cannot be archived yet');
  }
}
