import type { Db } from '../database/pool.ts';
import { checkBilled } from '../invoicing/check-billed.ts';
import type { Drift } from '../stripe/drift.ts';
import { formatSecond, toSecond } from '../values/instant.ts';

/** Where invoices billed otherwise than their series say today, as differences to be reported. */
export async function usageDrift(
  db: Db,
  accountId: string | undefined,
  since: Date,
): Promise<readonly Drift[]> {
  const found = await checkBilled(db, { accountId, since: toSecond(since) });
  return found.map((period) => ({
    accountId: period.accountId,
    driftId: `usage:${period.periodStart}`,
    kind: 'usage',
    cents: -period.cents,
    details: {
      period: formatSecond(period.periodStart),
      differences: period.differences.join('; ').slice(0, 1000),
    },
  }));
}
