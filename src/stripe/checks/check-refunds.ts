import { recordDrift, type Drift } from '../drift.ts';
import { refundObject, type StripeRefund } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import type { RefundRow } from '../refunds/book-refund.ts';

/** Which of our refunds are compared: those of one account, or those since an instant. */
export type RefundSlice = { readonly accountId: string } | { readonly from: Date };

/**
 * Looks at Stripe for every refund that our books say went back. `known`: what was read of them just now.
 * The other direction, refunds that our books do not have, is for the news to take over.
 */
export async function checkRefunds(
  context: StripeContext,
  slice: RefundSlice,
  known: ReadonlyMap<string, StripeRefund> = new Map(),
): Promise<void> {
  const { db, gateway, clock } = context;
  const query = db
    .selectFrom('refund')
    .selectAll()
    .where('stripe_refund_id', 'is not', null)
    .where('state', 'in', ['done', 'pending']);
  const rows = await (
    'accountId' in slice
      ? query.where('account_id', '=', slice.accountId)
      : query.where('created_at', '>=', slice.from)
  ).execute();
  const found: Drift[] = [];
  for (const row of rows) {
    const id = row.stripe_refund_id ?? '';
    const seen = known.get(id) ?? (await readObject(gateway, refundObject, `/v1/refunds/${id}`));
    if (seen === undefined) found.push(driftOf(row, 'refund_missing', row.amount_cents));
    else if (BigInt(seen.amount) !== row.amount_cents) {
      found.push(driftOf(row, 'refund_amount', row.amount_cents - BigInt(seen.amount)));
    }
  }
  await recordDrift(db, clock(), found);
}

function driftOf(row: RefundRow, kind: string, cents: bigint): Drift {
  return {
    accountId: row.account_id,
    driftId: `${kind}:${row.refund_id}`,
    kind,
    cents,
    details: { invoice: row.invoice_id, stripe_refund: row.stripe_refund_id },
  };
}
