import type {
  CardInside,
  Delivery,
  InvoiceInside,
  LoggedCall,
  SavedAnswer,
  RefundInside,
} from './inside.ts';
import type { JsonObject } from '../json.ts';
import type {
  BalanceEntry,
  BalanceTransaction,
  Charge,
  CheckoutSession,
  CreditNote,
  Customer,
  Dispute,
  Invoice,
  InvoiceItem,
  InvoicePayment,
  PaymentIntent,
  PaymentMethod,
  Refund,
  SetupIntent,
  Stored,
  StripeEvent,
  TestClock,
  Token,
  WebhookEndpoint,
} from './objects.ts';

/** Rows by table; tables named `local.` are the inner side of the imitation and never leave it. */
export type Tables = {
  readonly customer: Customer;
  readonly customer_balance_transaction: BalanceEntry;
  readonly payment_method: PaymentMethod;
  readonly token: Token;
  readonly setup_intent: SetupIntent;
  readonly 'checkout.session': CheckoutSession;
  readonly product: Stored<'product'>;
  readonly invoiceitem: InvoiceItem;
  readonly invoice: Invoice;
  readonly invoice_payment: InvoicePayment;
  readonly payment_intent: PaymentIntent;
  readonly charge: Charge;
  readonly refund: Refund;
  readonly credit_note: CreditNote;
  readonly dispute: Dispute;
  readonly balance_transaction: BalanceTransaction;
  readonly event: StripeEvent;
  readonly webhook_endpoint: WebhookEndpoint;
  readonly 'test_helpers.test_clock': TestClock;
  readonly 'local.invoice': InvoiceInside;
  readonly 'local.card': CardInside;
  readonly 'local.refund': RefundInside;
  readonly 'local.secret': { readonly id: string; readonly secret: string };
  readonly 'local.saved': SavedAnswer;
  readonly 'local.delivery': Delivery;
  readonly 'local.call': LoggedCall;
  readonly 'local.clock': { readonly id: string; readonly offsetMs: number };
};
export type TableName = keyof Tables;

export function isA<T extends TableName>(table: T, row: JsonObject): row is Tables[T] {
  return row['object'] === table;
}
