import type { Json, JsonObject } from './json.ts';
import type { TableName, Tables } from './state/tables.ts';
import { missing } from './refusal.ts';
import type { World } from './state/world.ts';

/** Who caused something: copied into every event. Both null when Stripe itself acted. */
export type Origin = { readonly id: string | null; readonly idempotency_key: string | null };

/** What a handler works on. */
export type Call = {
  readonly world: World;
  readonly origin: Origin;
  /** The path as it came, and its named parts. */
  readonly url: string;
  readonly path: Readonly<Record<string, string>>;
};

/** Params have been checked against the schema of the route, so a handler may name their types. */
export type Handler<P = never> = (call: Call, params: P) => JsonObject;

/** Stripe's own doing: a timer, a customer in a browser, a person in the dashboard. */
export function byStripe(world: World): Call {
  return { world, origin: { id: null, idempotency_key: null }, url: '', path: {} };
}

/** The object the path names. Stripe calls the bad parameter `id` or by its noun, per endpoint (recordings, stripe.md P). */
export function inPath<T extends TableName>(call: Call, table: T, name: string): Tables[T] {
  const id = call.path[name] ?? '';
  const row = call.world.get(table, id);
  if (row === undefined) throw missing(noun(table), id, PARAM_IN_ERRORS[name] ?? name, 404);
  return row;
}

/** The object a parameter names. */
export function named<T extends TableName>(
  call: Call,
  table: T,
  id: string,
  param: string,
): Tables[T] {
  const row = call.world.get(table, id);
  if (row === undefined) throw missing(noun(table), id, param, 400);
  return row;
}

const PARAM_IN_ERRORS: Readonly<Record<string, string>> = {
  customer: 'id',
  charge: 'id',
  refund: 'id',
};

/** The word Stripe's messages use. */
function noun(table: TableName): string {
  if (table === 'payment_method') return 'PaymentMethod';
  return table.replace('test_helpers.', '').replaceAll(/[._]/g, ' ');
}

/** Metadata after an update: keys are merged, an empty value drops its key, an empty whole drops all. */
export function mergedMetadata(
  before: Readonly<Record<string, string>>,
  change: MetadataParam | undefined,
): Readonly<Record<string, string>> {
  if (change === undefined) return before;
  if (change === '') return {};
  return Object.fromEntries(
    Object.entries({ ...before, ...change }).filter(([, value]) => value !== ''),
  );
}

export type MetadataParam = Readonly<Record<string, string>> | '';

/** An empty string unsets; absent keeps what was there. */
export function unset<T extends Json>(value: T | '' | undefined, before: T | null): T | null {
  if (value === undefined) return before;
  return value === '' ? null : value;
}
