import type { StripeContext } from '../operation.ts';
import type { StoredEvent } from './event-store.ts';
import type { NewsOutcome } from './process-stripe-events.ts';
import { finishCheckout, finishSetupIntent } from './sync-card-setup.ts';
import { syncCustomer, syncPaymentMethod } from './sync-customer.ts';
import { syncDispute } from './sync-dispute.ts';
import { syncInvoice } from './sync-invoice.ts';
import { syncRefundsOfIntent, syncRefundsOfInvoice } from './sync-refunds.ts';

export type Route = {
  /** Events with the same key need the same reading. */
  readonly key: string;
  readonly handle: (context: StripeContext, event: StoredEvent) => Promise<NewsOutcome>;
};

/** Who deals with an event, by the kind of object it is about; nobody for kinds we do not use. */
export function routeOf({ subject }: StoredEvent): Route | undefined {
  const { id, object, invoice, payment_intent: intent } = subject;
  if (id === null) return undefined;
  switch (object) {
    case 'invoice':
      return route('invoice', id, syncInvoice);
    case 'invoice_payment':
      return invoice === null ? undefined : route('invoice', invoice, syncInvoice);
    case 'credit_note':
      return invoice === null ? undefined : route('refunds_of', invoice, syncRefundsOfInvoice);
    case 'refund':
    case 'charge':
      return intent === null ? undefined : route('refunds_by', intent, syncRefundsOfIntent);
    case 'dispute':
      return route('dispute', id, syncDispute);
    case 'customer':
      return route('customer', id, syncCustomer);
    case 'payment_method':
      return route('payment_method', id, syncPaymentMethod);
    case 'setup_intent':
      return route('setup_intent', id, finishSetupIntent);
    case 'checkout.session':
      return route('checkout', id, finishCheckout);
    default:
      return undefined;
  }
}

type Handler = (context: StripeContext, id: string, event: StoredEvent) => Promise<NewsOutcome>;

function route(kind: string, id: string, handler: Handler): Route {
  return {
    key: `${kind}:${id}`,
    handle: async (context, event) => await handler(context, id, event),
  };
}
