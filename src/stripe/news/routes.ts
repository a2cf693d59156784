import type { StripeContext } from '../operation.ts';
import type { NewsOutcome, StoredEvent } from './event-store.ts';
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

type Kind = {
  readonly types: RegExp;
  /** What is to be read: the object itself, or the one it belongs to. */
  readonly read: 'id' | 'invoice' | 'payment_intent';
  readonly handle: (context: StripeContext, id: string, event: StoredEvent) => Promise<NewsOutcome>;
};

/** Types that are missing here, such as charge.succeeded, tell nothing that another one does not. */
const KINDS: readonly Kind[] = [
  { types: /^invoice\./, read: 'id', handle: syncInvoice },
  { types: /^invoice_payment\./, read: 'invoice', handle: syncInvoice },
  { types: /^credit_note\./, read: 'invoice', handle: syncRefundsOfInvoice },
  { types: /^(refund\.|charge\.refund)/, read: 'payment_intent', handle: syncRefundsOfIntent },
  { types: /^charge\.dispute\./, read: 'id', handle: syncDispute },
  { types: /^customer\.deleted$/, read: 'id', handle: syncCustomer },
  {
    types: /^payment_method\.(detached|updated|automatically_updated)$/,
    read: 'id',
    handle: syncPaymentMethod,
  },
  { types: /^setup_intent\.succeeded$/, read: 'id', handle: finishSetupIntent },
  { types: /^checkout\.session\./, read: 'id', handle: finishCheckout },
];

/** Who deals with an event; nobody with types we do not use. */
export function routeOf({ type, subject }: StoredEvent): Route | undefined {
  const kind = KINDS.find(({ types }) => types.test(type));
  const id = kind === undefined ? null : subject[kind.read];
  if (kind === undefined || id === null) return undefined;
  return {
    key: `${kind.handle.name}:${id}`,
    handle: async (context, event) => await kind.handle(context, id, event),
  };
}
