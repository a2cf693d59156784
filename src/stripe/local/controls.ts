import { byStripe, named } from './call.ts';
import { emit } from './events/emit.ts';
import type { JsonObject } from './json.ts';
import type { LoggedCall } from './state/inside.ts';
import type {
  CheckoutSession,
  Dispute,
  Invoice,
  Refund,
  SetupIntent,
  Token,
} from './state/objects.ts';
import type { TableName } from './state/tables.ts';
import { missing, Refusal } from './refusal.ts';
import { render } from './rendering.ts';
import { attach, createPaymentMethod, mintToken } from './cards/cards.ts';
import { completeSession } from './cards/checkout.ts';
import { closeDispute, openDispute } from './money/disputes.ts';
import { collect, paymentOf } from './money/payments.ts';
import { failRefund } from './money/refunds.ts';
import { confirm } from './cards/setup-intents.ts';
import type { World } from './state/world.ts';

/** What people other than our service do: the customer in a browser, the bank, a person in the dashboard. */
export type Controls = {
  /** A single-use token as a browser makes it, of a constant one such as `tok_visa`. */
  readonly mintToken: (testToken: string) => Token;
  readonly completeCheckout: (sessionId: string, testToken: string) => CheckoutSession;
  /** The customer answers the bank's question of a setup intent that requires action. */
  readonly authenticate: (setupIntentId: string) => SetupIntent;
  /** The customer pays an open invoice on its hosted page. */
  readonly payOnPage: (invoiceId: string, testToken: string) => Invoice;
  /** From now on a charge of this card answers this decline code (`lost_card`), or `succeed`; null: as the test card does. */
  readonly setCharges: (paymentMethodId: string, charges: string | null) => void;
  /** A dispute over the charge of an invoice, payment intent or charge. */
  readonly dispute: (
    id: string,
    options?: { readonly amountCents?: number; readonly reason?: string },
  ) => Dispute;
  readonly closeDispute: (disputeId: string, outcome: 'won' | 'lost') => Dispute;
  readonly failRefund: (refundId: string) => Refund;
  /** Replaces fields of any object, as a person in the dashboard can, and says so with `<object>.updated`. */
  readonly edit: (id: string, changes: JsonObject) => JsonObject;
  /** Every call so far, oldest first; also those that got no answer. */
  readonly calls: (filter?: {
    readonly method?: string;
    readonly path?: RegExp;
  }) => readonly LoggedCall[];
  /** Every object, as Stripe shows it, by its `object` name. */
  readonly state: () => Readonly<Record<string, readonly JsonObject[]>>;
};

const OBJECT_TABLES = [
  'customer',
  'customer_balance_transaction',
  'payment_method',
  'token',
  'setup_intent',
  'checkout.session',
  'product',
  'invoiceitem',
  'invoice',
  'invoice_payment',
  'payment_intent',
  'charge',
  'refund',
  'credit_note',
  'dispute',
  'balance_transaction',
  'event',
  'webhook_endpoint',
  'test_helpers.test_clock',
] as const satisfies readonly TableName[];

/** `changed` is told after every change, so that webhooks go out. */
export function makeControls(world: World, changed: () => void): Controls {
  const call = byStripe(world);
  const change = <R>(work: () => R): R => {
    const outcome = world.transaction(() => keeping(work));
    changed();
    if (outcome instanceof Refusal) throw outcome;
    return outcome.result;
  };
  return {
    mintToken: (testToken) => change(() => mintToken(call, testToken)),
    completeCheckout: (id, testToken) => change(() => completeSession(call, id, testToken)),
    authenticate: (id) =>
      change(() => {
        const intent = named(call, 'setup_intent', id, 'setup_intent');
        return confirm(
          call,
          intent,
          named(call, 'payment_method', intent.payment_method ?? '', 'payment_method'),
          true,
        );
      }),
    payOnPage: (id, testToken) =>
      change(() => {
        const invoice = named(call, 'invoice', id, 'invoice');
        const method = createPaymentMethod(call, { type: 'card', card: { token: testToken } });
        return collect(call, invoice, attach(call, method, invoice.customer).id, false);
      }),
    setCharges: (id, charges) =>
      change(() => {
        const inside = world.get(
          'local.card',
          named(call, 'payment_method', id, 'payment_method').id,
        );
        if (inside !== undefined) world.put('local.card', { ...inside, charges });
      }),
    dispute: (id, options = {}) => change(() => openDispute(call, chargeOf(world, id), options)),
    closeDispute: (id, outcome) =>
      change(() => closeDispute(call, named(call, 'dispute', id, 'dispute'), outcome)),
    failRefund: (id) => change(() => failRefund(call, named(call, 'refund', id, 'refund'))),
    edit: (id, changes) => change(() => edit(world, id, changes)),
    calls: ({ method, path } = {}) =>
      world
        .all('local.call')
        .filter(
          (row) =>
            (method === undefined || row.method === method) &&
            (path === undefined || path.test(row.path)),
        ),
    state: () =>
      Object.fromEntries(
        OBJECT_TABLES.map((table) => [
          table,
          world.all(table).map((row: JsonObject) => render(world, row)),
        ]),
      ),
  };
}

/** A decline leaves its traces behind even though the caller hears a refusal. */
function keeping<R>(work: () => R): { readonly result: R } | Refusal {
  try {
    return { result: work() };
  } catch (error) {
    if (error instanceof Refusal && error.isKept) return error;
    throw error;
  }
}

function chargeOf(world: World, id: string) {
  const invoice = world.get('invoice', id);
  const intent =
    invoice === undefined ? world.get('payment_intent', id) : paymentOf(world, invoice).intent;
  const charge = world.get('charge', intent?.latest_charge ?? id);
  if (charge === undefined) throw missing('charge', id, 'charge', 404);
  return charge;
}

function edit(world: World, id: string, changes: JsonObject): JsonObject {
  const table = OBJECT_TABLES.find((name) => world.get(name, id) !== undefined);
  if (table === undefined) throw missing('object', id, 'id', 404);
  return editRow(world, table, id, changes);
}

/** Stripe's schema checks the result when its event is made. */
function editRow(world: World, table: TableName, id: string, changes: JsonObject): JsonObject {
  const before = world.get(table, id);
  if (before === undefined) throw missing('object', id, 'id', 404);
  const after = { ...before, ...changes };
  world.put(table, after);
  emit(byStripe(world), `${table}.updated`, after, before);
  return after;
}
