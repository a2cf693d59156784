import { inPath, type Call, type Handler } from './call.ts';
import type { JsonObject } from './json.ts';
import type { TableName } from './state/tables.ts';
import { deliveredOrNot, listOf, listRows, type Keep } from './lists.ts';
import {
  attachPaymentMethod,
  createPaymentMethod,
  createToken,
  detachPaymentMethod,
  updatePaymentMethod,
} from './cards/cards.ts';
import { retrieveBalance } from './money/charges.ts';
import { createSession, expireSession } from './cards/checkout.ts';
import {
  createCreditNote,
  creditLinesInPath,
  previewCreditNote,
  updateCreditNote,
  voidCreditNote,
} from './invoices/credit-notes.ts';
import {
  createBalanceEntry,
  createCustomer,
  deleteCustomer,
  retrieveCustomersMethod,
  updateBalanceEntry,
  updateCustomer,
} from './customers/customers.ts';
import { createItem, deleteItem, updateItem } from './invoices/invoice-items.ts';
import {
  addLines,
  linesInPath,
  removeLines,
  updateLine,
  updateLines,
} from './invoices/invoice-lines.ts';
import {
  finalizeInvoice,
  markUncollectible,
  payInvoice,
  sendInvoice,
  voidInvoice,
} from './invoices/invoice-states.ts';
import { createInvoice, deleteInvoice, updateInvoice } from './invoices/invoices.ts';
import { createProduct } from './invoices/products.ts';
import { cancelRefund, createRefund, updateRefund } from './money/refunds.ts';
import {
  cancelSetupIntent,
  confirmSetupIntent,
  createSetupIntent,
  updateSetupIntent,
} from './cards/setup-intents.ts';
import { advanceTestClock, createTestClock, deleteTestClock } from './customers/test-clocks.ts';
import { createEndpoint, deleteEndpoint, updateEndpoint } from './events/webhook-endpoints.ts';
import { searchOf } from './search.ts';

export type Route = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As in the OpenAPI file: `/v1/invoices/{invoice}`. */
  readonly template: string;
  readonly run: (call: Call, params: JsonObject) => JsonObject;
  /** Parameters acted on; any other that Stripe knows is refused as not imitated. */
  readonly imitated: ReadonlySet<string>;
};

/** Params have passed the route's schema before `run`, which is what makes naming their type safe. */
function route<P>(line: string, run: Handler<P>, imitated = ''): Route {
  const [method, template] = line.split(' ');
  if ((method !== 'GET' && method !== 'POST' && method !== 'DELETE') || template === undefined)
    throw new Error(`a bad route: ${line}`);
  return {
    method,
    template,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema of the route has checked them
    run: (call, params) => run(call, params as P),
    imitated: new Set(['expand', ...imitated.split(' ')]),
  };
}

/** Filters on `fields` by equality; `special` parameters are understood by `keep`. */
function list(template: string, table: TableName, fields = '', keep?: Keep, special = ''): Route {
  const run = listOf(table, fields.split(' '), keep);
  return route(
    `GET ${template}`,
    run,
    `limit starting_after ending_before created ${fields} ${special}`,
  );
}

function pages(template: string, rowsOf: (call: Call) => readonly JsonObject[]): Route {
  return route(`GET ${template}`, listRows(rowsOf), 'limit starting_after ending_before');
}

function search(template: string, table: TableName): Route {
  return route(`GET ${template}`, searchOf(table), 'query limit page');
}

function retrieve(template: string, table: TableName): Route {
  const name = /\{(\w+)\}$/.exec(template)?.[1] ?? 'id';
  return route(`GET ${template}`, (call) => inPath(call, table, name));
}

const INVOICE_FIELDS =
  'auto_advance collection_method custom_fields days_until_due due_date default_payment_method description footer metadata number statement_descriptor';
const CUSTOMER_FIELDS =
  'name email phone description address shipping tax_exempt preferred_locales balance invoice_prefix next_invoice_sequence invoice_settings metadata';
const ITEM_FIELDS =
  'amount description discountable metadata period price_data quantity quantity_decimal';
const NOTE_FIELDS =
  'invoice amount lines refund_amount credit_amount out_of_band_amount refunds reason memo metadata email_type';
const SETUP_FIELDS =
  'customer payment_method confirm usage description allowed_payment_method_types metadata';

/** Every endpoint imitated. The two searches of one path stand before the path's retrieval only for the reader. */
export const ROUTES: readonly Route[] = [
  route('POST /v1/customers', createCustomer, `${CUSTOMER_FIELDS} payment_method test_clock`),
  list('/v1/customers', 'customer', 'email test_clock'),
  search('/v1/customers/search', 'customer'),
  retrieve('/v1/customers/{customer}', 'customer'),
  route('POST /v1/customers/{customer}', updateCustomer, CUSTOMER_FIELDS),
  route('DELETE /v1/customers/{customer}', deleteCustomer),
  list(
    '/v1/customers/{customer}/payment_methods',
    'payment_method',
    'type allow_redisplay',
    ofCustomer,
  ),
  route('GET /v1/customers/{customer}/payment_methods/{payment_method}', retrieveCustomersMethod),
  list(
    '/v1/customers/{customer}/balance_transactions',
    'customer_balance_transaction',
    'invoice',
    ofCustomer,
  ),
  route(
    'POST /v1/customers/{customer}/balance_transactions',
    createBalanceEntry,
    'amount currency description metadata',
  ),
  retrieve(
    '/v1/customers/{customer}/balance_transactions/{transaction}',
    'customer_balance_transaction',
  ),
  route(
    'POST /v1/customers/{customer}/balance_transactions/{transaction}',
    updateBalanceEntry,
    'description metadata',
  ),

  route('POST /v1/tokens', createToken, 'card'),
  retrieve('/v1/tokens/{token}', 'token'),
  route('POST /v1/payment_methods', createPaymentMethod, 'type card billing_details metadata'),
  list('/v1/payment_methods', 'payment_method', 'customer type allow_redisplay'),
  retrieve('/v1/payment_methods/{payment_method}', 'payment_method'),
  route(
    'POST /v1/payment_methods/{payment_method}',
    updatePaymentMethod,
    'card billing_details metadata',
  ),
  route('POST /v1/payment_methods/{payment_method}/attach', attachPaymentMethod, 'customer'),
  route('POST /v1/payment_methods/{payment_method}/detach', detachPaymentMethod),
  route('POST /v1/setup_intents', createSetupIntent, SETUP_FIELDS),
  list('/v1/setup_intents', 'setup_intent', 'customer payment_method'),
  retrieve('/v1/setup_intents/{intent}', 'setup_intent'),
  route('POST /v1/setup_intents/{intent}', updateSetupIntent, 'customer payment_method metadata'),
  route('POST /v1/setup_intents/{intent}/confirm', confirmSetupIntent, 'payment_method'),
  route('POST /v1/setup_intents/{intent}/cancel', cancelSetupIntent, 'cancellation_reason'),
  route(
    'POST /v1/checkout/sessions',
    createSession,
    'mode customer currency allowed_payment_method_types success_url cancel_url client_reference_id expires_at metadata',
  ),
  list('/v1/checkout/sessions', 'checkout.session', 'customer status'),
  retrieve('/v1/checkout/sessions/{session}', 'checkout.session'),
  route('POST /v1/checkout/sessions/{session}/expire', expireSession),

  route('POST /v1/products', createProduct, 'name description active metadata url'),
  list('/v1/products', 'product', 'active type url'),
  retrieve('/v1/products/{id}', 'product'),
  route(
    'POST /v1/invoiceitems',
    createItem,
    `${ITEM_FIELDS} customer invoice currency unit_amount_decimal`,
  ),
  list('/v1/invoiceitems', 'invoiceitem', 'customer invoice', pendingOnly, 'pending'),
  retrieve('/v1/invoiceitems/{invoiceitem}', 'invoiceitem'),
  route('POST /v1/invoiceitems/{invoiceitem}', updateItem, ITEM_FIELDS),
  route('DELETE /v1/invoiceitems/{invoiceitem}', deleteItem),

  route(
    'POST /v1/invoices',
    createInvoice,
    `${INVOICE_FIELDS} customer currency pending_invoice_items_behavior discounts`,
  ),
  list('/v1/invoices', 'invoice', 'customer status collection_method'),
  search('/v1/invoices/search', 'invoice'),
  retrieve('/v1/invoices/{invoice}', 'invoice'),
  route('POST /v1/invoices/{invoice}', updateInvoice, `${INVOICE_FIELDS} discounts`),
  route('DELETE /v1/invoices/{invoice}', deleteInvoice),
  pages('/v1/invoices/{invoice}/lines', linesInPath),
  route('POST /v1/invoices/{invoice}/lines/{line_item_id}', updateLine, ITEM_FIELDS),
  route('POST /v1/invoices/{invoice}/add_lines', addLines, 'lines invoice_metadata'),
  route('POST /v1/invoices/{invoice}/update_lines', updateLines, 'lines invoice_metadata'),
  route('POST /v1/invoices/{invoice}/remove_lines', removeLines, 'lines invoice_metadata'),
  route('POST /v1/invoices/{invoice}/finalize', finalizeInvoice, 'auto_advance'),
  route(
    'POST /v1/invoices/{invoice}/pay',
    payInvoice,
    'payment_method off_session paid_out_of_band',
  ),
  route('POST /v1/invoices/{invoice}/send', sendInvoice),
  route('POST /v1/invoices/{invoice}/void', voidInvoice),
  route('POST /v1/invoices/{invoice}/mark_uncollectible', markUncollectible),

  list('/v1/invoice_payments', 'invoice_payment', 'invoice payment status'),
  retrieve('/v1/invoice_payments/{invoice_payment}', 'invoice_payment'),
  list('/v1/payment_intents', 'payment_intent', 'customer'),
  search('/v1/payment_intents/search', 'payment_intent'),
  retrieve('/v1/payment_intents/{intent}', 'payment_intent'),
  list('/v1/charges', 'charge', 'customer payment_intent'),
  search('/v1/charges/search', 'charge'),
  retrieve('/v1/charges/{charge}', 'charge'),
  route('POST /v1/refunds', createRefund, 'charge payment_intent amount reason metadata'),
  list('/v1/refunds', 'refund', 'charge payment_intent'),
  retrieve('/v1/refunds/{refund}', 'refund'),
  route('POST /v1/refunds/{refund}', updateRefund, 'metadata'),
  route('POST /v1/refunds/{refund}/cancel', cancelRefund),
  route('POST /v1/credit_notes', createCreditNote, NOTE_FIELDS),
  list('/v1/credit_notes', 'credit_note', 'customer invoice'),
  route('GET /v1/credit_notes/preview', previewCreditNote, NOTE_FIELDS),
  pages('/v1/credit_notes/{credit_note}/lines', creditLinesInPath),
  retrieve('/v1/credit_notes/{id}', 'credit_note'),
  route('POST /v1/credit_notes/{id}', updateCreditNote, 'memo metadata'),
  route('POST /v1/credit_notes/{id}/void', voidCreditNote),
  list('/v1/disputes', 'dispute', 'charge payment_intent'),
  retrieve('/v1/disputes/{dispute}', 'dispute'),
  route('GET /v1/balance', retrieveBalance),
  list('/v1/balance_transactions', 'balance_transaction', 'currency source type'),
  retrieve('/v1/balance_transactions/{id}', 'balance_transaction'),

  list('/v1/events', 'event', 'type', deliveredOrNot, 'types delivery_success'),
  retrieve('/v1/events/{id}', 'event'),
  route(
    'POST /v1/webhook_endpoints',
    createEndpoint,
    'url enabled_events description metadata api_version',
  ),
  list('/v1/webhook_endpoints', 'webhook_endpoint'),
  retrieve('/v1/webhook_endpoints/{webhook_endpoint}', 'webhook_endpoint'),
  route(
    'POST /v1/webhook_endpoints/{webhook_endpoint}',
    updateEndpoint,
    'url enabled_events description disabled metadata',
  ),
  route('DELETE /v1/webhook_endpoints/{webhook_endpoint}', deleteEndpoint),

  route('POST /v1/test_helpers/test_clocks', createTestClock, 'frozen_time name'),
  list('/v1/test_helpers/test_clocks', 'test_helpers.test_clock'),
  retrieve('/v1/test_helpers/test_clocks/{test_clock}', 'test_helpers.test_clock'),
  route('POST /v1/test_helpers/test_clocks/{test_clock}/advance', advanceTestClock, 'frozen_time'),
  route('DELETE /v1/test_helpers/test_clocks/{test_clock}', deleteTestClock),
];

function ofCustomer(call: Call): (row: JsonObject) => boolean {
  const { id } = inPath(call, 'customer', 'customer');
  return (row) => row['customer'] === id;
}

function pendingOnly(_call: Call, params: JsonObject): (row: JsonObject) => boolean {
  const wanted = params['pending'];
  return (row) => wanted === undefined || wanted === (row['invoice'] === null);
}
