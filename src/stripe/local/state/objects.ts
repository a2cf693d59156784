import type { JsonObject } from '../json.ts';

/** The objects the local Stripe keeps, typed as far as its own logic reads them; the contract checks the rest. */
export type Metadata = Readonly<Record<string, string>>;

export type Stored<Name extends string> = JsonObject & {
  readonly id: string;
  readonly object: Name;
};

export type Customer = Stored<'customer'> & {
  readonly deleted?: true;
  readonly balance: number;
  readonly currency: string | null;
  readonly created: number;
  readonly email: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly address: JsonObject | null;
  readonly shipping: JsonObject | null;
  readonly tax_exempt: string | null;
  readonly invoice_prefix: string;
  readonly next_invoice_sequence: number;
  readonly description: string | null;
  readonly invoice_settings: JsonObject & {
    readonly default_payment_method: string | null;
    readonly footer: string | null;
  };
  readonly metadata: Metadata;
  readonly test_clock: string | null;
};

/** A customer balance transaction: positive adds to what the customer owes. */
export type BalanceEntry = Stored<'customer_balance_transaction'> & {
  readonly customer: string;
  readonly amount: number;
  readonly description: string | null;
  readonly metadata: Metadata;
};

export type CardFacts = {
  readonly brand: string;
  readonly last4: string;
  readonly exp_month: number;
  readonly exp_year: number;
  readonly fingerprint: string;
};
export type PaymentMethod = Stored<'payment_method'> & {
  readonly customer: string | null;
  readonly card: CardFacts & JsonObject;
  readonly billing_details: JsonObject;
  readonly metadata: Metadata;
};
export type Token = Stored<'token'> & { readonly used: boolean };

export type SetupIntent = Stored<'setup_intent'> & {
  readonly status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'succeeded'
    | 'canceled';
  readonly customer: string | null;
  readonly payment_method: string | null;
  readonly metadata: Metadata;
};
export type CheckoutSession = Stored<'checkout.session'> & {
  readonly status: 'open' | 'complete' | 'expired';
  readonly customer: string | null;
  readonly setup_intent: string;
  readonly success_url: string | null;
  readonly cancel_url: string | null;
  readonly expires_at: number;
};

export type Period = { readonly start: number; readonly end: number };
export type Pricing = {
  readonly type: 'price_details';
  readonly unit_amount_decimal: string | null;
};
export type InvoiceItem = Stored<'invoiceitem'> & {
  readonly customer: string;
  readonly invoice: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly discountable: boolean;
  readonly metadata: Metadata;
  readonly period: Period;
  readonly pricing: Pricing;
  readonly quantity: number;
  readonly quantity_decimal: string;
};
export type LineItem = Stored<'line_item'> & {
  readonly invoice: string;
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly discountable: boolean;
  readonly metadata: Metadata;
  readonly period: Period;
  readonly pricing: Pricing;
  readonly quantity: number;
  readonly quantity_decimal: string;
  readonly parent: JsonObject & {
    readonly invoice_item_details: { readonly invoice_item: string } & JsonObject;
  };
};

export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
export type Invoice = Stored<'invoice'> & {
  readonly status: InvoiceStatus;
  readonly customer: string;
  readonly currency: string;
  readonly created: number;
  readonly number: string | null;
  readonly collection_method: 'charge_automatically' | 'send_invoice';
  readonly auto_advance: boolean;
  readonly automatically_finalizes_at: number | null;
  readonly next_payment_attempt: number | null;
  readonly attempted: boolean;
  readonly attempt_count: number;
  readonly subtotal: number;
  readonly total: number;
  readonly starting_balance: number;
  readonly ending_balance: number | null;
  readonly amount_due: number;
  readonly amount_paid: number;
  readonly amount_remaining: number;
  readonly pre_payment_credit_notes_amount: number;
  readonly post_payment_credit_notes_amount: number;
  readonly default_payment_method: string | null;
  readonly description: string | null;
  readonly metadata: Metadata;
  readonly status_transitions: {
    readonly finalized_at: number | null;
    readonly marked_uncollectible_at: number | null;
    readonly paid_at: number | null;
    readonly voided_at: number | null;
  };
  readonly test_clock: string | null;
};

export type InvoicePayment = Stored<'invoice_payment'> & {
  readonly invoice: string;
  readonly status: 'open' | 'paid' | 'canceled';
  readonly amount_requested: number;
  readonly amount_paid: number | null;
  readonly payment: { readonly type: 'payment_intent'; readonly payment_intent: string };
  readonly status_transitions: {
    readonly canceled_at: number | null;
    readonly paid_at: number | null;
  };
};
export type PaymentIntent = Stored<'payment_intent'> & {
  readonly status:
    'requires_payment_method' | 'requires_action' | 'processing' | 'succeeded' | 'canceled';
  readonly amount: number;
  readonly currency: string;
  readonly customer: string;
  readonly latest_charge: string | null;
};
export type Charge = Stored<'charge'> & {
  readonly status: 'succeeded' | 'failed';
  readonly amount: number;
  readonly amount_refunded: number;
  readonly refunded: boolean;
  readonly disputed: boolean;
  readonly currency: string;
  readonly customer: string | null;
  readonly payment_intent: string;
  readonly payment_method: string;
};
export type Refund = Stored<'refund'> & {
  readonly status: 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';
  readonly amount: number;
  readonly currency: string;
  readonly charge: string;
  readonly payment_intent: string;
  readonly created: number;
  readonly metadata: Metadata;
};
export type CreditNote = Stored<'credit_note'> & {
  readonly status: 'issued' | 'void';
  readonly type: 'pre_payment' | 'post_payment' | 'mixed';
  readonly invoice: string;
  readonly customer: string;
  readonly amount: number;
  readonly lines: JsonObject & { readonly data: readonly JsonObject[] };
  readonly pre_payment_amount: number;
  readonly post_payment_amount: number;
  readonly metadata: Metadata;
};
export type Dispute = Stored<'dispute'> & {
  readonly status: 'needs_response' | 'won' | 'lost';
  readonly is_charge_refundable: boolean;
  readonly charge: string;
  readonly amount: number;
  readonly currency: string;
  readonly balance_transactions: readonly BalanceTransaction[];
};
export type BalanceTransaction = Stored<'balance_transaction'> & {
  readonly amount: number;
  readonly net: number;
  readonly currency: string;
};

export type StripeEvent = Stored<'event'> & {
  readonly type: string;
  readonly created: number;
  readonly api_version: string;
  readonly data: { readonly object: JsonObject; readonly previous_attributes?: JsonObject };
  readonly pending_webhooks: number;
};
export type WebhookEndpoint = Stored<'webhook_endpoint'> & {
  readonly url: string;
  readonly enabled_events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly metadata: Metadata;
};
export type TestClock = Stored<'test_helpers.test_clock'> & {
  readonly frozen_time: number;
  readonly status: 'advancing' | 'ready';
};
