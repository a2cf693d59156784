import { z } from 'zod';

/**
 * What we read of Stripe's objects: unknown fields are dropped (so nothing personal is stored), and all
 * we can do without may be missing or null, because versions and Stripe-like servers differ in what they send.
 */
const reference = z
  .union([z.string(), z.object({ id: z.string() }).transform(({ id }) => id)])
  .nullish()
  .transform((id) => id ?? null);

const metadata = z
  .record(z.string(), z.string())
  .nullish()
  .transform((data) => data ?? {});
/** Null is as good as nothing. */
function optional<S extends z.ZodType>(schema: S) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();
}

const cents = optional(z.int());
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

export const lineObject = z.object({
  id: z.string(),
  amount: z.int(),
  metadata,
  description: text,
});

const charge = z.object({
  id: z.string(),
  status: text,
  failure_code: text,
  failure_message: text,
  payment_method: text,
  outcome: z.object({ reason: text }).nullish(),
  created: optional(z.int()),
});

const paymentIntent = z.object({
  id: z.string(),
  status: text,
  latest_charge: z.union([z.string(), charge]).nullish(),
});

const invoicePayment = z.object({
  status: text,
  payment: z.object({ payment_intent: z.union([z.string(), paymentIntent]).nullish() }).nullish(),
});

export const invoiceObject = z.object({
  id: z.string(),
  status: text,
  customer: reference,
  currency: optional(z.string()),
  created: optional(z.int()),
  total: cents,
  amount_due: cents,
  amount_paid: cents,
  amount_remaining: cents,
  starting_balance: cents,
  number: text,
  hosted_invoice_url: text,
  invoice_pdf: text,
  deleted: optional(z.boolean()),
  metadata,
  lines: optional(z.object({ data: z.array(lineObject), has_more: optional(z.boolean()) })),
  payments: optional(z.object({ data: z.array(invoicePayment) })),
});

export const customerObject = z.object({
  id: z.string(),
  deleted: optional(z.boolean()),
  balance: cents,
  email: text,
  metadata,
});

export const paymentMethodObject = z.object({
  id: z.string(),
  type: optional(z.string()),
  customer: reference,
  card: z
    .object({
      brand: text,
      last4: text,
      exp_month: z.int().nullish(),
      exp_year: z.int().nullish(),
      fingerprint: text,
    })
    .nullish(),
});

export const setupIntentObject = z.object({
  id: z.string(),
  status: text,
  customer: reference,
  payment_method: reference,
  last_setup_error: z.object({ message: text, code: text }).nullish(),
  metadata,
});

export const checkoutObject = z.object({
  id: z.string(),
  url: text,
  status: text,
  customer: reference,
  setup_intent: reference,
  metadata,
});

export const refundObject = z.object({
  id: z.string(),
  amount: z.int(),
  status: text,
  charge: reference,
  payment_intent: reference,
  failure_reason: text,
  metadata,
});

export const creditNoteObject = z.object({
  id: z.string(),
  status: text,
  invoice: reference,
  amount: cents,
  metadata,
  refunds: z
    .array(z.object({ refund: reference, amount_refunded: cents }))
    .nullish()
    .transform((refunds) => refunds ?? []),
});

export const disputeObject = z.object({
  id: z.string(),
  amount: z.int(),
  status: z.string(),
  reason: text,
  charge: reference,
  payment_intent: reference,
  created: optional(z.int()),
});

export const invoicePaymentObject = z.object({ id: z.string(), invoice: reference, status: text });

/** Of what an event is about, only what leads to it. */
export const eventSubject = z.object({
  id: text,
  object: text,
  invoice: reference,
  payment_intent: reference,
  metadata,
});

export const eventObject = z.object({
  id: z.string().min(1).max(255),
  type: z.string(),
  /** Thin events say this as an RFC 3339 text. */
  created: z.union([z.int(), z.iso.datetime({ offset: true })]),
  livemode: optional(z.boolean()),
  account: text,
  data: optional(z.object({ object: eventSubject })),
});

export type EventSubject = z.infer<typeof eventSubject>;
export type StripeInvoice = z.infer<typeof invoiceObject>;
export type StripeLine = z.infer<typeof lineObject>;
export type StripeCustomer = z.infer<typeof customerObject>;
export type StripePaymentMethod = z.infer<typeof paymentMethodObject>;
export type StripeRefund = z.infer<typeof refundObject>;
export type StripeCreditNote = z.infer<typeof creditNoteObject>;
export type StripeDispute = z.infer<typeof disputeObject>;
