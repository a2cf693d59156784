import type { Call } from './call.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import type { TableName } from './state/tables.ts';
import { invalid } from './refusal.ts';

type Params = { readonly query: string; readonly limit?: number; readonly page?: string };
type Term = {
  readonly field: string;
  readonly key: string | undefined;
  readonly operator: string;
  readonly value: string;
};

/** Stripe's index is normally less than a minute late. */
export const SEARCH_LAG_SECONDS = 60;

const TERM =
  /^(?<field>[a-z_]+)(?:\[(?<quote>["'])(?<key>.+?)\k<quote>\])?\s*(?<operator>:|~|>=|<=|>|<)\s*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>\S+))$/;

/**
 * A handler that searches a table through an index a minute late, so that nobody leans on it: what is younger is not
 * there. Understands terms joined by AND: `field:'x'`, `field~'part'`, `created>5`, `metadata['key']:'x'`.
 */
export function searchOf(table: TableName) {
  return (call: Call, params: Params): JsonObject => {
    const terms = params.query.split(/\s+AND\s+/i).map(parsed);
    const indexedUntil = call.world.now() - SEARCH_LAG_SECONDS;
    const rows: readonly JsonObject[] = call.world.all(table).toReversed();
    const found = rows.filter(
      (row) =>
        row['deleted'] !== true &&
        Number(row['created']) <= indexedUntil &&
        terms.every((term) => matches(row, term)),
    );
    const start = params.page === undefined ? 0 : Number(params.page);
    const limit = params.limit ?? 10;
    const hasMore = found.length > start + limit;
    return {
      object: 'search_result',
      data: found.slice(start, start + limit),
      has_more: hasMore,
      next_page: hasMore ? String(start + limit) : null,
      url: call.url,
    };
  };
}

function parsed(text: string): Term {
  const { field, key, operator, double, single, bare } = TERM.exec(text.trim())?.groups ?? {};
  const value = double ?? single ?? bare;
  if (field === undefined || operator === undefined || value === undefined) {
    throw invalid(`The local Stripe does not understand this part of a search query: ${text}`, {
      param: 'query',
    });
  }
  return { field, key, operator, value };
}

function matches(row: JsonObject, { field, key, operator, value }: Term): boolean {
  const whole = row[field];
  const found: Json | undefined =
    key === undefined ? whole : isObject(whole) ? whole[key] : undefined;
  if (found === undefined || found === null) return value === 'null';
  const shown = typeof found === 'object' ? JSON.stringify(found) : String(found);
  switch (operator) {
    case ':':
      return shown.toLowerCase() === value.toLowerCase();
    case '~':
      return shown.toLowerCase().includes(value.toLowerCase());
    case '>':
      return Number(found) > Number(value);
    case '>=':
      return Number(found) >= Number(value);
    case '<':
      return Number(found) < Number(value);
    default:
      return Number(found) <= Number(value);
  }
}
