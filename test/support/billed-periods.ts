import { findAccount } from '../../src/accounts/store.ts';
import type { Db } from '../../src/database/pool.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { previewBill } from '../../src/invoicing/preview-bill.ts';
import { usageOf } from '../../src/metering/usage-store.ts';
import { totalOf } from '../../src/pricing/line.ts';
import { assert } from '../../src/values/fault.ts';
import type { Second } from '../../src/values/instant.ts';
import type { BilledPeriod } from './bill-rows.ts';

/** An account's closed periods with their invoices, and the running one as it stands at an instant. */
export async function billedPeriods(
  db: Db,
  accountId: string,
  at: Second,
): Promise<BilledPeriod[]> {
  const account = await findAccount(db, accountId);
  assert(account !== undefined, `there is an account ${accountId}`);
  const closed = await closedPeriods(db, accountId);
  if (account.deletedAt !== undefined && account.deletedAt <= at) return closed;
  const preview = await previewBill(db, account, at);
  assert(totalOf(preview.lines) === preview.totalCents, 'the lines add up');
  const running: BilledPeriod = {
    ...preview,
    ...preview.period,
    isOpen: true,
    isInvoiced: false,
    lines: preview.lines.map((line) => ({
      ...line,
      quantity: line.kind === 'app' ? line.rssTenths : line.seconds,
    })),
  };
  return [...closed, running];
}

async function closedPeriods(db: Db, accountId: string): Promise<BilledPeriod[]> {
  const rows = await db
    .selectFrom('billing_period')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('start_at')
    .execute();
  const usages = await usageOf(
    db,
    rows.map((row) => ({ account: accountId, from: row.start_at, to: row.end_at })),
  );
  const invoices = await listInvoices(db, accountId);
  return rows.map((row, index) => {
    const invoice = invoices.find(({ periodStart }) => periodStart === row.start_at);
    assert((row.tier === 'STANDARD') === (invoice !== undefined), 'STANDARD periods are invoiced');
    if (invoice !== undefined) {
      assert(invoice.periodEnd === row.end_at, 'an invoice ends with its period');
      assert(totalOf(invoice.lines) === invoice.totalCents, 'the lines add up');
      assert(invoice.isPaid === (invoice.totalCents === 0n), 'a zero invoice is paid (R41b)');
    }
    return {
      start: row.start_at,
      end: row.end_at,
      isOpen: false,
      isInvoiced: invoice !== undefined,
      usage: usages[index]!,
      lines: invoice?.lines ?? [],
      totalCents: invoice?.totalCents ?? 0n,
    };
  });
}
