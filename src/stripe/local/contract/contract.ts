import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { invalid, type Refusal } from '../refusal.ts';
import type { Schema } from './schema.ts';
import { shownSchemas } from './shown-schemas.ts';

type Content = { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> };
type Operation = {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
};
type Subset = {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

/** What requests and answers must look like, from Stripe's OpenAPI subset (stripe.md section 6). */
export type Contract = {
  readonly apiVersion: string;
  readonly schemaOf: (objectName: string) => Schema | undefined;
  /**
   * Schema of the form (POST) or of the query (GET, DELETE). Parameters that are not imitated may hold anything: they are
   * refused in any case. Throws when the subset has no such route.
   */
  readonly requestSchema: (
    method: string,
    template: string,
    imitated: ReadonlySet<string>,
  ) => Schema;
  /** Null when the parameters are as Stripe wants them. */
  readonly checkRequest: (schema: Schema, params: JsonObject) => Refusal | null;
  /** Throws when what we are about to send is not what Stripe would send: a bug of ours. */
  readonly checkAnswer: (method: string, template: string, body: JsonObject) => void;
  readonly checkObject: (objectName: string, body: JsonObject) => void;
  /** Every required property that may be empty, empty: null where allowed, else an empty list. */
  readonly blank: (objectName: string) => JsonObject;
};

let loaded: Contract | undefined;

/** The contract, read and compiled once per process (about half a second, most of it at the first invoice). */
export function contract(): Contract {
  return (loaded ??= loadContract());
}

function loadContract(): Contract {
  const file = readFileSync(new URL('../stripe-openapi-subset.json', import.meta.url), 'utf8');
  const subset: Subset = JSON.parse(file);
  const schemas = subset.components.schemas;
  const ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    code: { optimize: false },
  });
  // Each under its own name: as parts of one document ajv would compile them again for every answer.
  for (const [name, schema] of Object.entries(shownSchemas(schemas)))
    ajv.addSchema(qualified(schema), name);
  const compiled = new Map<Schema | string, ValidateFunction>();
  const validator = (key: Schema | string, schema: () => Schema): ValidateFunction => {
    const known = compiled.get(key) ?? ajv.compile(schema());
    compiled.set(key, known);
    return known;
  };
  const requests = new Map<string, Schema>();
  const demand = (what: string, schema: () => Schema, body: JsonObject): void => {
    const validate = validator(what, schema);
    if (validate(body)) return;
    const why = ajv.errorsText(validate.errors, { separator: '; ' });
    throw new Error(`the local Stripe would send a wrong ${what}: ${why}`);
  };
  const operation = (method: string, template: string): Operation => {
    const found = subset.paths[template]?.[method.toLowerCase()];
    if (found === undefined) throw new Error(`not in the OpenAPI subset: ${method} ${template}`);
    return found;
  };

  return {
    apiVersion: subset.info.version,
    schemaOf: (objectName) => schemas[objectName],
    requestSchema: (method, template, imitated) => {
      const key = `${method} ${template}`;
      const schema =
        requests.get(key) ?? requestSchema(method, operation(method, template), imitated);
      requests.set(key, schema);
      return schema;
    },
    checkRequest: (schema, params) => {
      const validate = validator(schema, () => schema);
      return validate(params) ? null : refusalOf(validate.errors?.[0], params);
    },
    checkAnswer: (method, template, body) =>
      demand(
        `answer to ${method} ${template}`,
        () =>
          qualified(
            operation(method, template).responses['200']?.content?.['application/json']?.schema ??
              {},
          ),
        body,
      ),
    checkObject: (objectName, body) => demand(objectName, () => ({ $ref: objectName }), body),
    blank: (objectName) => blank(schemas[objectName] ?? {}),
  };
}

/** The same schema with references that hold outside of Stripe's file. */
function qualified(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"'));
}

function requestSchema(
  method: string,
  operation: Operation,
  imitated: ReadonlySet<string>,
): Schema {
  const form = operation.requestBody?.content?.['application/x-www-form-urlencoded']?.schema;
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const properties =
    method === 'POST'
      ? (form?.properties ?? {})
      : Object.fromEntries(query.map(({ name, schema }) => [name, schema]));
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name, imitated.has(name) ? schema : {}]),
    ),
    required:
      method === 'POST'
        ? (form?.required ?? [])
        : query.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function blank(schema: Schema): JsonObject {
  const properties = schema.properties ?? {};
  const filled = (schema.required ?? []).flatMap((name): [string, Json][] => {
    const property = properties[name] ?? {};
    if (allowsNull(property)) return [[name, null]];
    if (property.type === 'array') return [[name, []]];
    return property.const === undefined ? [] : [[name, property.const]];
  });
  return Object.fromEntries(filled);
}

function allowsNull(schema: Schema): boolean {
  return [schema.type ?? []].flat().includes('null') || (schema.anyOf ?? []).some(allowsNull);
}

function refusalOf(error: ErrorObject | undefined, params: JsonObject): Refusal {
  const path = (error?.instancePath ?? '')
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const param = bracketed(path);
  const value = JSON.stringify(valueAt(params, path));
  switch (error?.keyword) {
    case 'required': {
      const name = bracketed([...path, String(error.params['missingProperty'])]);
      return invalid(`Missing required param: ${name}.`, {
        code: 'parameter_missing',
        param: name,
      });
    }
    case 'additionalProperties': {
      const name = bracketed([...path, String(error.params['additionalProperty'])]);
      return invalid(`Received unknown parameter: ${name}`, {
        code: 'parameter_unknown',
        param: name,
      });
    }
    case 'type': {
      const type = String(error.params['type']);
      const code = type === 'integer' ? { code: 'parameter_invalid_integer' } : {};
      return invalid(`Invalid ${type}: ${value}`, { ...code, param });
    }
    case 'enum':
    case 'const':
      return invalid(`Invalid ${param}: ${value} is not one of the values Stripe knows.`, {
        param,
      });
    default:
      return invalid(`Invalid ${param}: ${value} ${error?.message ?? 'is not accepted'}`, {
        param,
      });
  }
}

/** `lines`, `0`, `amount` -> `lines[0][amount]`, as Stripe names parameters. */
export function bracketed(path: readonly string[]): string {
  return path.map((part, index) => (index === 0 ? part : `[${part}]`)).join('');
}

function valueAt(params: Json | undefined, path: readonly string[]): Json | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return params;
  if (Array.isArray(params)) return valueAt(params[Number(head)], rest);
  return isObject(params) ? valueAt(params[head], rest) : undefined;
}
