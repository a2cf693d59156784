import type { Call } from './call.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { isA, type TableName } from './state/tables.ts';
import { invalid, missing } from './refusal.ts';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;
const EVENTS_KEPT_SECONDS = 30 * 86_400;

type Page = {
  readonly limit?: number;
  readonly starting_after?: string;
  readonly ending_before?: string;
};
type Params = JsonObject & Page;

/** Decides, for one call, which rows stay. */
export type Keep = (call: Call, params: JsonObject) => (row: JsonObject) => boolean;

/** A handler that lists a table, newest first; the parameters named in `fields` filter by equality. */
export function listOf(table: TableName, fields: readonly string[], keep: Keep = () => () => true) {
  return (call: Call, params: Params): JsonObject => {
    const isKept = keep(call, params);
    const rows: readonly JsonObject[] = call.world.all(table).toReversed();
    const found = rows.filter(
      (row) =>
        row['deleted'] !== true &&
        fields.every((name) => matches(row[name], params[name])) &&
        inRange(row, params['created']) &&
        isKept(row),
    );
    return page(found, params, call.url);
  };
}

/** Events are kept for 30 days; `delivery_success=false` are those some endpoint has not taken. */
export const deliveredOrNot: Keep = ({ world }, params) => {
  const types = Array.isArray(params['types']) ? params['types'] : null;
  if (types !== null && types.length > 20)
    throw invalid('You may pass up to 20 types.', { param: 'types' });
  const wanted = params['delivery_success'];
  return (row) => {
    if (!isA('event', row)) return false;
    const isFresh = row.created > world.now() - EVENTS_KEPT_SECONDS;
    const isDelivered = row.pending_webhooks === 0;
    return (
      isFresh &&
      (types === null || types.includes(row.type)) &&
      (wanted === undefined || wanted === isDelivered)
    );
  };
};

/** A handler that pages through rows it is given, in their order. */
export function listRows(rowsOf: (call: Call) => readonly JsonObject[]) {
  return (call: Call, params: Params): JsonObject => page(rowsOf(call), params, call.url);
}

function page(rows: readonly JsonObject[], params: Page, url: string): JsonObject {
  const limit = params.limit ?? DEFAULT_LIMIT;
  if (limit < 1 || limit > MAX_LIMIT) {
    const bound = limit < 1 ? `greater than or equal to 1` : `less than or equal to ${MAX_LIMIT}`;
    throw invalid(`This value must be ${bound}.`, {
      code: 'parameter_invalid_integer',
      param: 'limit',
    });
  }
  if (params.ending_before !== undefined) {
    const before = rows.slice(0, position(rows, params.ending_before, 'ending_before'));
    return { object: 'list', data: before.slice(-limit), has_more: before.length > limit, url };
  }
  const start =
    params.starting_after === undefined
      ? 0
      : position(rows, params.starting_after, 'starting_after') + 1;
  return {
    object: 'list',
    data: rows.slice(start, start + limit),
    has_more: rows.length > start + limit,
    url,
  };
}

function position(rows: readonly JsonObject[], id: string, param: string): number {
  const index = rows.findIndex((row) => row['id'] === id);
  if (index < 0) throw missing('object', id, param, 400);
  return index;
}

function matches(value: Json | undefined, wanted: Json | undefined): boolean {
  if (wanted === undefined) return true;
  if (isObject(wanted))
    return (
      isObject(value) && Object.entries(wanted).every(([name, part]) => matches(value[name], part))
    );
  return value === wanted;
}

/** `created` is an instant, or bounds: gt, gte, lt, lte. */
function inRange(row: JsonObject, wanted: Json | undefined): boolean {
  if (wanted === undefined) return true;
  const created = Number(row['created'] ?? row['date']);
  if (!isObject(wanted)) return created === wanted;
  const { gt, gte, lt, lte } = wanted;
  const bound = (value: Json | undefined, isMet: (limit: number) => boolean): boolean =>
    value === undefined || isMet(Number(value));
  return (
    bound(gt, (x) => created > x) &&
    bound(gte, (x) => created >= x) &&
    bound(lt, (x) => created < x) &&
    bound(lte, (x) => created <= x)
  );
}
