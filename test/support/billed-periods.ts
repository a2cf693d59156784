import { lastCounted, type Account } from '../../src/accounts/account.ts';
import { findAccount } from '../../src/accounts/store.ts';
import type { Db } from '../../src/database/pool.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { previewBill } from '../../src/invoicing/previews/preview-bill.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { totalOf } from '../../src/pricing/line.ts';
import { CORRECTED_MONTHS } from '../../src/pricing/price-book.ts';
import { unconfirmedOnInvoices } from '../../src/invoicing/unconfirmed-store.ts';
import { unconfirmedOf } from '../../src/sources/silence/unconfirmed.ts';
import { assert } from '../../src/values/fault.ts';
import { parseInstant, type Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import type { BilledPeriod } from './bill-rows.ts';

/** An account's closed periods with their invoices, and the running one as it stands at an instant. */
export async function billedPeriods(
  db: Db,
  accountId: string,
  at: Second,
): Promise<BilledPeriod[]> {
  const account = await findAccount(db, accountId);
  assert(account !== undefined, `there is an account ${accountId}`);
  const closed = await closedPeriods(db, account);
  if (account.deletedAt !== undefined && account.deletedAt <= at) return closed;
  const preview = await previewBill(db, account, at);
  assert(totalOf(preview.lines) === preview.totalCents, 'the lines add up');
  const running: BilledPeriod = {
    ...preview,
    ...preview.period,
    isOpen: true,
    isInvoiced: false,
    unconfirmed: await unconfirmedOf(db, accountId, {
      from: preview.period.start,
      to: preview.countedTo,
    }),
    lines: preview.lines.map((line) => ({
      ...line,
      quantity: line.kind === 'app' ? line.rssTenths : line.seconds,
    })),
  };
  return [...closed, running];
}

async function closedPeriods(db: Db, account: Account): Promise<BilledPeriod[]> {
  const { id: accountId } = account;
  const rows = await db
    .selectFrom('billing_period')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('start_at')
    .execute();
  const usages = await usageOf(
    db,
    rows.map((row) => ({
      account: accountId,
      from: lastCounted(account, row.start_at),
      to: lastCounted(account, row.end_at),
    })),
  );
  const invoices = await listInvoices(db, accountId);
  const correctedFrom = await correctedFromOf(db, accountId);
  const silences = await unconfirmedOnInvoices(db, accountId);
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
      unconfirmed: invoice === undefined ? [] : (silences.get(invoice.invoiceId) ?? []),
      correctedFrom: correctedFrom.find((one) => one === boundary(row.start_at, -CORRECTED_MONTHS)),
    };
  });
}

/** From when on corrections were made, where some reports were older: the platform was told of them. */
async function correctedFromOf(db: Db, accountId: string): Promise<Second[]> {
  const rows = await db
    .selectFrom('signal')
    .select('details')
    .where('account_id', '=', accountId)
    .where('kind', '=', 'account.facts_too_late')
    .execute();
  return rows.map(({ details }) => {
    const { corrected_from: from } = details as { readonly corrected_from: string };
    return parseInstant(from)!.second;
  });
}
