import type { Schema } from './contract/schema.ts';
import { contract } from './contract/contract.ts';
import { isObject, textOf, type Json, type JsonObject } from './json.ts';
import type { Invoice } from './state/objects.ts';
import { isA, type TableName } from './state/tables.ts';
import { invalid } from './refusal.ts';
import type { World } from './state/world.ts';

/** How many lines Stripe embeds in an object before one must page. */
const EMBEDDED = 10;
const MAX_EXPAND_DEPTH = 4;

/** A stored object as Stripe shows it without any expansion. */
export function render(world: World, object: JsonObject): JsonObject {
  if (object['object'] === 'list' || object['object'] === 'search_result') {
    const data = Array.isArray(object['data']) ? object['data'] : [];
    return {
      ...object,
      data: data.map((item: Json) => (isObject(item) ? render(world, item) : item)),
    };
  }
  if (object['deleted'] === true)
    return { id: textOf(object['id']), object: textOf(object['object']), deleted: true };
  if (isA('invoice', object)) return renderInvoice(world, object);
  if (!isA('credit_note', object)) return object;
  return { ...object, lines: embedded(object.lines.data, `/v1/credit_notes/${object.id}/lines`) };
}

/** A draft shows the customer's balance of this moment; it is settled at finalization. */
function renderInvoice(world: World, invoice: Invoice): JsonObject {
  const lines = world.get('local.invoice', invoice.id)?.lines ?? [];
  const shown = { ...invoice, lines: embedded(lines, `/v1/invoices/${invoice.id}/lines`) };
  if (invoice.status !== 'draft') return shown;
  const balance = world.get('customer', invoice.customer)?.balance ?? 0;
  const due = Math.max(0, invoice.total + balance);
  return { ...shown, starting_balance: balance, amount_due: due, amount_remaining: due };
}

export function embedded(rows: readonly JsonObject[], url: string): JsonObject {
  return {
    object: 'list',
    data: rows.slice(0, EMBEDDED),
    has_more: rows.length > EMBEDDED,
    total_count: rows.length,
    url,
  };
}

/** Replaces ids by the objects they name, along each path (`data.payments.data.payment.payment_intent`). */
export function expand(world: World, rendered: JsonObject, paths: readonly string[]): JsonObject {
  return paths.reduce((body, path) => {
    const parts = path.split('.');
    const depth = parts.filter((part) => part !== 'data').length;
    if (depth > MAX_EXPAND_DEPTH) {
      throw invalid(
        `You cannot expand more than ${MAX_EXPAND_DEPTH} levels of a property. Property: ${path}`,
        { param: 'expand' },
      );
    }
    return expandObject({ world, path }, body, parts);
  }, rendered);
}

type Expansion = { readonly world: World; readonly path: string };

function expandObject(
  expansion: Expansion,
  body: JsonObject,
  parts: readonly string[],
  schema?: Schema,
): JsonObject {
  const [head, ...rest] = parts;
  if (head === undefined) return body;
  if (body['object'] === 'list' || body['object'] === 'search_result')
    return expandList(expansion, body, head, rest);
  const own = typeof body['object'] === 'string' ? contract().schemaOf(body['object']) : undefined;
  const property = (own ?? schema)?.properties?.[head];
  const value = body[head] ?? includable(expansion.world, body, head);
  if (property === undefined || (rest.length === 0 && !isExpandable(property)))
    throw cannotExpand(expansion.path);
  if (value === undefined || value === null) return body;
  const found = typeof value === 'string' ? lookUp(expansion.world, value, property) : value;
  if (found === undefined) throw cannotExpand(expansion.path);
  return { ...body, [head]: expandValue(expansion, found, rest, property) };
}

function expandValue(
  expansion: Expansion,
  value: Json,
  rest: readonly string[],
  schema: Schema,
): Json {
  if (Array.isArray(value))
    return value.map((item: Json) => expandValue(expansion, item, rest, schema.items ?? {}));
  return isObject(value) ? expandObject(expansion, value, rest, schema) : value;
}

function expandList(
  expansion: Expansion,
  list: JsonObject,
  head: string,
  rest: readonly string[],
): JsonObject {
  if (head !== 'data' || !Array.isArray(list['data'])) throw cannotExpand(expansion.path);
  const data = list['data'].map((item: Json) =>
    isObject(item) ? expandObject(expansion, item, rest) : item,
  );
  return { ...list, data };
}

/** Properties that are left out of an object unless asked for. */
function includable(world: World, body: JsonObject, name: string): JsonObject | undefined {
  const id = textOf(body['id']);
  switch (`${textOf(body['object'])}.${name}`) {
    case 'invoice.payments': {
      const payment = world.get('local.invoice', id)?.payment ?? null;
      const row = payment === null ? undefined : world.get('invoice_payment', payment);
      return embedded(row === undefined ? [] : [row], `/v1/invoice_payments?invoice=${id}`);
    }
    case 'charge.refunds':
      return embedded(
        world
          .all('refund')
          .filter((refund) => refund.charge === id)
          .toReversed(),
        `/v1/charges/${id}/refunds`,
      );
    case 'customer.sources':
    case 'customer.subscriptions':
    case 'customer.tax_ids':
      return embedded([], `/v1/customers/${id}/${name}`);
    case 'checkout.session.line_items':
      return embedded([], `/v1/checkout/sessions/${id}/line_items`);
    default:
      return undefined;
  }
}

function isExpandable(property: Schema): boolean {
  const includedList = property.properties?.['object']?.const === 'list';
  return (
    property.$ref !== undefined ||
    includedList ||
    (property.anyOf ?? []).some(isExpandable) ||
    (property.items !== undefined && isExpandable(property.items))
  );
}

function lookUp(world: World, id: string, property: Schema): JsonObject | undefined {
  const names = [property, ...(property.anyOf ?? []), ...(property.items?.anyOf ?? [])].flatMap(
    ({ $ref }) => $ref?.split('/').at(-1) ?? [],
  );
  for (const name of names) {
    // A name outside our tables (an account, an application) just finds nothing.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const found = world.get(name as TableName, id);
    if (found !== undefined) return render(world, found);
  }
  return undefined;
}

function cannotExpand(path: string) {
  return invalid(`This property cannot be expanded (${path}).`, { param: 'expand' });
}
