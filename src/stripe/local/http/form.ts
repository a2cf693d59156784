import qs from 'qs';
import type { Schema } from '../contract/schema.ts';
import { bracketed } from '../contract/contract.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { invalid } from '../refusal.ts';

/**
 * A form or query with brackets (`lines[0][amount]=5`, `expand[]=payments`) as an object whose leaves have the types the
 * schema asks for. What cannot be turned is left as it came, for the schema check to name. An empty string stays: it unsets.
 */
export function parseForm(text: string, schema: Schema): JsonObject {
  const raw = qs.parse(text, {
    depth: 12,
    arrayLimit: 1000,
    parameterLimit: 20_000,
    strictNullHandling: false,
  });
  const params = typed(toJson(raw), schema);
  if (!isObject(params)) throw invalid('Invalid request: the parameters are not an object.');
  checkMetadataKeys(params);
  return params;
}

function toJson(value: unknown): Json {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value === null || typeof value !== 'object') return '';
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toJson(part)]));
}

function typed(value: Json | undefined, schema: Schema): Json {
  if (value === undefined) return '';
  if (schema.anyOf !== undefined) {
    const branch = schema.anyOf.find((option) => suits(typed(value, option), option));
    return branch === undefined ? value : typed(value, branch);
  }
  const types = [schema.type ?? []].flat();
  if (typeof value === 'string') return typedText(value, types);
  if (Array.isArray(value))
    return schema.items === undefined
      ? value
      : value.map((item) => typed(item, schema.items ?? {}));
  if (!isObject(value)) return value;
  if (types.includes('array')) return fromIndexes(value, schema);
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, typed(part, memberSchema(schema, key))]),
  );
}

function typedText(text: string, types: readonly string[]): Json {
  if (types.includes('integer') && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (types.includes('number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** qs makes an object of an index it finds too large; the schema knows it is a list. */
function fromIndexes(value: JsonObject, schema: Schema): Json {
  const keys = Object.keys(value);
  if (!keys.every((key) => /^\d+$/.test(key))) return value;
  return keys
    .toSorted((a, b) => Number(a) - Number(b))
    .map((key) => typed(value[key], schema.items ?? {}));
}

function memberSchema(schema: Schema, key: string): Schema {
  const rest = schema.additionalProperties;
  return schema.properties?.[key] ?? (typeof rest === 'object' ? rest : {});
}

function suits(value: Json, schema: Schema): boolean {
  if (schema.enum !== undefined) return schema.enum.includes(value);
  const types = [schema.type ?? []].flat();
  if (Array.isArray(value)) return types.includes('array');
  if (isObject(value)) return types.includes('object');
  if (typeof value === 'number') return types.includes('integer') || types.includes('number');
  return types.includes(typeof value);
}

/** Metadata keys are at most 40 characters and hold no brackets (docs.stripe.com/api/metadata); the schema has the rest. */
function checkMetadataKeys(params: JsonObject, path: readonly string[] = []): void {
  for (const [name, value] of Object.entries(params)) {
    if (!isObject(value)) {
      if (Array.isArray(value))
        value.forEach(
          (item, i) => isObject(item) && checkMetadataKeys(item, [...path, name, String(i)]),
        );
      continue;
    }
    const longKey =
      name === 'metadata'
        ? Object.keys(value).find((key) => key.length > 40 || /[[\]]/.test(key))
        : undefined;
    if (longKey !== undefined) {
      throw invalid(
        `Metadata keys must be at most 40 characters without square brackets: ${longKey}`,
        {
          param: bracketed([...path, name]),
        },
      );
    }
    checkMetadataKeys(value, [...path, name]);
  }
}
