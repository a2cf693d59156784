import type { Call } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type {
  Charge,
  Invoice,
  InvoicePayment,
  PaymentIntent,
  PaymentMethod,
} from '../state/objects.ts';
import { invalid, type Refusal } from '../refusal.ts';
import type { World } from '../state/world.ts';
import { testCard, usableMethod } from '../cards/cards.ts';
import { createCharge, failureOf } from './charges.ts';
import { openDispute } from './disputes.ts';
import { declined } from '../cards/test-cards.ts';
import { timeOf } from '../customers/time.ts';

/** The one default payment of a finalized invoice: Stripe takes its money through this intent only. */
export function openPayment(call: Call, invoice: Invoice): void {
  const { world } = call;
  const intentId = world.newId('pi_');
  const intent: PaymentIntent = {
    ...contract().blank('payment_intent'),
    id: intentId,
    object: 'payment_intent',
    allowed_payment_method_types: ['card'],
    amount: invoice.amount_due,
    amount_capturable: 0,
    amount_received: 0,
    capture_method: 'automatic',
    client_secret: `${intentId}_secret_${world.newId('')}`,
    confirmation_method: 'automatic',
    created: world.now(),
    currency: invoice.currency,
    customer: invoice.customer,
    description: 'Payment for Invoice',
    latest_charge: null,
    livemode: false,
    metadata: {},
    payment_method_options: {
      card: {
        installments: null,
        mandate_options: null,
        network: null,
        request_three_d_secure: 'automatic',
      },
    },
    payment_method_types: ['card'],
    status: 'requires_payment_method',
  };
  const payment: InvoicePayment = {
    id: world.newId('inpay_'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: world.now(),
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { type: 'payment_intent', payment_intent: intentId },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  };
  world.put('payment_intent', intent);
  world.put('invoice_payment', payment);
  world.put('local.invoice', {
    id: invoice.id,
    lines: world.get('local.invoice', invoice.id)?.lines ?? [],
    payment: payment.id,
  });
  emit(call, 'payment_intent.created', intent);
}

/** Takes the money of an open invoice from the card named, else from the invoice's or the customer's default. */
export function collect(
  call: Call,
  invoice: Invoice,
  methodId: string | null,
  isOffSession: boolean,
): Invoice {
  const method = paymentMethodFor(call, invoice, methodId);
  const { intent } = paymentOf(call.world, invoice);
  const card = testCard(call.world, method.id);
  const decline =
    card.charges === 'succeed' || (card.asksCustomer === true && !isOffSession)
      ? null
      : (card.charges ?? card.charge);
  const charge = createCharge(call, { intent, method, decline });
  return decline === null
    ? paidBy(call, invoice, intent, charge, method)
    : refuse(call, { invoice, intent, charge, method, decline });
}

/** The invoice is paid: by a charge, by nothing being due, or outside Stripe. */
export function settle(call: Call, invoice: Invoice, changes: Partial<Invoice>): Invoice {
  const now = timeOf(call.world, invoice);
  const after: Invoice = {
    ...invoice,
    ...changes,
    status: 'paid',
    amount_paid: invoice.amount_paid + invoice.amount_remaining,
    amount_remaining: 0,
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, paid_at: now },
  };
  call.world.put('invoice', after);
  if (after['amount_paid_off_stripe'] !== undefined) cancelPayment(call, invoice);
  emit(call, 'invoice.updated', after, invoice);
  emit(call, 'invoice.paid', after);
  emit(call, 'invoice.payment_succeeded', after);
  return after;
}

export function cancelPayment(call: Call, invoice: Invoice): void {
  const { world } = call;
  const paymentId = world.get('local.invoice', invoice.id)?.payment ?? null;
  if (paymentId === null) return;
  const { payment, intent } = paymentOf(world, invoice);
  const canceled: PaymentIntent = {
    ...intent,
    status: 'canceled',
    canceled_at: world.now(),
    cancellation_reason: 'void_invoice',
  };
  world.put('payment_intent', canceled);
  world.put('invoice_payment', {
    ...payment,
    status: 'canceled',
    status_transitions: { canceled_at: world.now(), paid_at: null },
  });
  emit(call, 'payment_intent.canceled', canceled);
}

/** Lowers what an open invoice still asks for (a credit note before payment). */
export function resizePayment(call: Call, invoice: Invoice): void {
  const { payment, intent } = paymentOf(call.world, invoice);
  call.world.put('payment_intent', { ...intent, amount: invoice.amount_remaining });
  call.world.put('invoice_payment', { ...payment, amount_requested: invoice.amount_remaining });
}

export function paymentOf(
  world: World,
  invoice: Invoice,
): { readonly payment: InvoicePayment; readonly intent: PaymentIntent } {
  const payment = world.get(
    'invoice_payment',
    world.get('local.invoice', invoice.id)?.payment ?? '',
  );
  const intent = world.get('payment_intent', payment?.payment.payment_intent ?? '');
  if (payment === undefined || intent === undefined)
    throw new Error(`the finalized invoice ${invoice.id} has no payment`);
  return { payment, intent };
}

function paymentMethodFor(call: Call, invoice: Invoice, chosen: string | null): PaymentMethod {
  const customer = call.world.get('customer', invoice.customer);
  const id =
    chosen ??
    invoice.default_payment_method ??
    customer?.invoice_settings.default_payment_method ??
    null;
  if (id === null) {
    throw invalid(
      'There is no `default_payment_method` set on this Customer or Invoice. Please set a `default_payment_method` or give a `payment_method`.',
    );
  }
  const method = usableMethod(call, id);
  if (method.customer === invoice.customer) return method;
  throw invalid(
    `The payment method ${id} must be attached to the invoice's customer before it can pay.`,
    { param: 'payment_method' },
  );
}

function paidBy(
  call: Call,
  invoice: Invoice,
  intent: PaymentIntent,
  charge: Charge,
  method: PaymentMethod,
): Invoice {
  const { world } = call;
  const { payment } = paymentOf(world, invoice);
  const succeeded: PaymentIntent = {
    ...intent,
    status: 'succeeded',
    amount_received: charge.amount,
    last_payment_error: null,
    latest_charge: charge.id,
    payment_method: method.id,
  };
  const paid: InvoicePayment = {
    ...payment,
    amount_paid: charge.amount,
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: world.now() },
  };
  world.put('payment_intent', succeeded);
  world.put('invoice_payment', paid);
  emit(call, 'charge.succeeded', charge);
  emit(call, 'payment_intent.succeeded', succeeded);
  emit(call, 'invoice_payment.paid', paid);
  const after = settle(call, invoice, {
    attempted: true,
    attempt_count: Math.max(1, invoice.attempt_count),
  });
  if (testCard(world, method.id).later === 'dispute') openDispute(call, charge, {});
  return after;
}

type Failure = {
  readonly invoice: Invoice;
  readonly intent: PaymentIntent;
  readonly charge: Charge;
  readonly method: PaymentMethod;
  readonly decline: string;
};

/** Records the failed attempt and gives the 402 to throw; manual attempts after the first do not raise the count. */
function refuse(call: Call, { invoice, intent, charge, method, decline }: Failure): never {
  const { world } = call;
  const error = {
    type: 'card_error',
    ...failureOf(decline),
    charge: charge.id,
    payment_method: method,
  };
  const waiting: PaymentIntent = {
    ...intent,
    status: 'requires_payment_method',
    last_payment_error: error,
    latest_charge: charge.id,
    payment_method: null,
  };
  const after: Invoice = {
    ...invoice,
    attempted: true,
    attempt_count: Math.max(1, invoice.attempt_count),
  };
  world.put('payment_intent', waiting);
  world.put('invoice', after);
  emit(call, 'charge.failed', charge);
  emit(call, 'payment_intent.payment_failed', waiting);
  emit(call, 'invoice.updated', after, invoice);
  emit(call, 'invoice.payment_failed', after);
  if (decline === 'authentication_required') emit(call, 'invoice.payment_action_required', after);
  const refusal: Refusal = declined(decline, {
    charge: charge.id,
    payment_intent: waiting,
    payment_method: method,
  });
  throw refusal;
}
