import { createHash } from 'node:crypto';
import type { Db } from '../../../src/database/pool.ts';
import type { InvoiceName } from '../../../src/stripe/issue/invoice-store.ts';

export const PERIOD_START = BigInt(Date.UTC(2026, 0, 10) / 1000);
export const PERIOD_END = BigInt(Date.UTC(2026, 1, 10) / 1000);

export type TestLine = {
  readonly description: string;
  readonly cents: bigint;
  readonly kind?: string;
};

/** An account on the standard tier that signed up at the start of the period `freezeInvoice` bills. */
export async function makeAccount(
  db: Db,
  accountId: string,
  { isUpgraded = true }: { readonly isUpgraded?: boolean } = {},
): Promise<string> {
  await db
    .insertInto('account')
    .values({
      account_id: accountId,
      email: `${createHash('sha256').update(accountId).digest('hex').slice(0, 8)}@example.com`,
      signed_up_at: PERIOD_START,
      upgraded_at: isUpgraded ? PERIOD_START + 10n * 86_400n : null,
      last_cut_at: PERIOD_START,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return accountId;
}

/** What closing a period leaves behind: a frozen invoice and its lines. `month` 1 is the next period. */
export async function freezeInvoice(
  db: Db,
  accountId: string,
  lines: readonly TestLine[] = [{ description: 'App web', cents: 2_500n }],
  { month = 0, createdAt = new Date(Number(PERIOD_END) * 1000) } = {},
): Promise<InvoiceName> {
  const start = BigInt(Date.UTC(2026, month, 10) / 1000);
  const end = BigInt(Date.UTC(2026, month + 1, 10) / 1000);
  const invoiceId = `inv_${hash(`${accountId}/${start}`).slice(0, 24)}`;
  const rows = lines.map((line, index) => ({
    account_id: accountId,
    invoice_id: invoiceId,
    line_number: index + 1,
    kind: line.kind ?? 'app',
    app: 'web',
    quantity: 0n,
    description: line.description,
    amount_cents: line.cents,
  }));
  await db
    .insertInto('billing_period')
    .values({
      account_id: accountId,
      start_at: start,
      end_at: end,
      tier: 'STANDARD',
      closed_at: createdAt,
    })
    .execute();
  await db
    .insertInto('invoice')
    .values({
      account_id: accountId,
      invoice_id: invoiceId,
      period_start: start,
      period_end: end,
      recording: 0n,
      total_cents: lines.reduce((sum, { cents }) => sum + cents, 0n),
      lines_sha256: hash(
        lines.map(({ description, cents }) => `${description}:${cents}`).join('\n'),
      ),
      state: 'frozen',
      created_at: createdAt,
    })
    .execute();
  await db.insertInto('invoice_line').values(rows).execute();
  return { accountId, invoiceId };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
