import {
  bookMoneyBack,
  type MoneyBackRequest,
  type NotYetInvoiced,
} from '../../ledger/money-back-store.ts';
import type { Db } from '../../database/pool.ts';
import type { Cents } from '../../values/money.ts';
import type { StripeContext } from '../operation.ts';
import { runRefund } from './run-refund.ts';

export type MoneyBackContext = StripeContext & { readonly notYetInvoiced: NotYetInvoiced };

export type MoneyBack = {
  readonly creditCents: Cents;
  /** `planned` ones are made by `refundDue` as soon as Stripe can be reached. */
  readonly refunds: readonly {
    readonly refundId: string;
    readonly invoiceId: string;
    readonly amountCents: Cents;
    readonly state: string;
    readonly reason: string | null;
  }[];
};

/**
 * Gives money back on an operator's decision (R41): refunds of what was paid, credit for what is not yet
 * invoiced. Repeating it with the same id changes nothing and shows how far it is.
 *
 * @throws Fault `conflict` saying which limit it would exceed, or `account_unknown`.
 */
export async function giveMoneyBack(
  context: MoneyBackContext,
  request: MoneyBackRequest,
): Promise<MoneyBack> {
  const { db, clock, atPoint, notYetInvoiced } = context;
  await atPoint?.('money_back:begin');
  await bookMoneyBack(db, clock(), request, notYetInvoiced);
  await atPoint?.('money_back:saved');
  const booked = await findMoneyBack(db, request);
  for (const { refundId, state } of booked.refunds) {
    if (state === 'planned') await runRefund(context, { accountId: request.accountId, refundId });
  }
  return await findMoneyBack(db, request);
}

async function findMoneyBack(
  db: Db,
  { accountId, moneyBackId }: Pick<MoneyBackRequest, 'accountId' | 'moneyBackId'>,
): Promise<MoneyBack> {
  const { credit_cents: creditCents } = await db
    .selectFrom('money_back')
    .select('credit_cents')
    .where('account_id', '=', accountId)
    .where('money_back_id', '=', moneyBackId)
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('refund')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('money_back_id', '=', moneyBackId)
    .orderBy('refund_id')
    .execute();
  const refunds = rows.map((row) => ({
    refundId: row.refund_id,
    invoiceId: row.invoice_id,
    amountCents: row.amount_cents,
    state: row.state,
    reason: row.state_reason,
  }));
  return { creditCents, refunds };
}
