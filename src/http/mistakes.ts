import { showValue, valueAt } from '../values/show-value.ts';

/** What is wrong with one part of a request. */
export type Mistake = {
  /** Where it is, from `body`, `query`, `path` or `headers` on. */
  readonly field: string;
  /** As JSON, shortened; empty when it is missing, absent when it is too much to show or not to be repeated. */
  readonly value?: string;
  /** What would be right. */
  readonly message: string;
};

export type Request = {
  readonly body?: unknown;
  readonly query?: unknown;
  readonly params?: unknown;
  readonly headers?: unknown;
};

/** What schemas say of a request, by Fastify and its zod provider. */
export type Findings = {
  readonly validation: readonly Finding[];
  readonly validationContext?: string | undefined;
};

type Finding = {
  readonly keyword: string;
  /** `/accounts/0/apps`; `/` for the whole */
  readonly instancePath: string;
  readonly message?: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
};

/** A request can have millions of them: the first ones help, and the answer stays small. */
const MOST_MISTAKES = 10;
const MOST_NAME_CHARACTERS = 100;

const PARTS: Readonly<Record<string, { readonly name: string; readonly of: keyof Request }>> = {
  body: { name: 'body', of: 'body' },
  querystring: { name: 'query', of: 'query' },
  params: { name: 'path', of: 'params' },
  headers: { name: 'headers', of: 'headers' },
};

/** Of secrets not even the sender is told what they are: messages are kept and passed on. */
const SECRET = /password|token|payment_method|code|uuid|^url$/;

/** The first mistakes, one for each field, and how many more there are. */
export function mistakesIn(
  { validation, validationContext = 'body' }: Findings,
  request: Request,
): { readonly mistakes: readonly Mistake[]; readonly more: number } {
  const part = PARTS[validationContext] ?? PARTS['body']!;
  const found = new Map<string, Mistake>();
  let count = 0;
  for (const finding of validation.toSorted((a, b) => vagueness(a) - vagueness(b))) {
    const path = finding.instancePath.split('/').filter((key) => key !== '');
    const unknown = finding.keyword === 'unrecognized_keys' ? textsOf(finding.params['keys']) : [];
    const paths = unknown.length === 0 ? [path] : unknown.map((key) => [...path, key]);
    count += paths.length;
    for (const at of paths.slice(0, MOST_MISTAKES)) {
      const field = [part.name, ...at].map(shorten).join('.');
      if (found.has(field) || found.size === MOST_MISTAKES) continue;
      const value = shownAt(request[part.of], at);
      found.set(field, { field, ...value, message: ruleOf(finding) });
    }
  }
  const mistakes = [...found.values()];
  return { mistakes, more: found.size < MOST_MISTAKES ? 0 : Math.max(0, count - found.size) };
}

/** That a number is beyond all whole ones is said beside what its field allows. */
function vagueness({ params }: Finding): number {
  return params['origin'] === 'int' ? 1 : 0;
}

/** `body.replicas is 1.5; it must be a whole number` */
export function describeMistake({ field, value, message }: Mistake): string {
  if (value === undefined) return `${field} ${message}`;
  return `${field} ${value === '' ? 'is missing' : `is ${value}`}; it ${message}`;
}

function shownAt(from: unknown, path: readonly string[]): { readonly value?: string } {
  // A body that was not sent is null to us.
  const value = path.length === 0 ? (from ?? undefined) : valueAt(from, path);
  const isScalar = typeof value !== 'object' || value === null;
  return isScalar && !SECRET.test(path.at(-1) ?? '') ? { value: showValue(value) } : {};
}

/** Our schemas say "must …" where they know better than these. */
function ruleOf({ keyword, message = '', params }: Finding): string {
  if (message.startsWith('must')) return message;
  switch (keyword) {
    case 'invalid_type':
      return `must be ${TYPES[String(params['expected'])] ?? String(params['expected'])}`;
    case 'invalid_value':
      return `must be ${listOf(params['values'])}`;
    case 'invalid_union':
      return params['options'] === undefined ? message : `must be ${listOf(params['options'])}`;
    case 'too_small':
      return sizeRule('at least', params['minimum'], params['origin']);
    case 'too_big':
      return sizeRule('at most', params['maximum'], params['origin']);
    case 'unrecognized_keys':
      return 'must be left out: there is no such field';
    default:
      return message;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

function sizeRule(bound: string, limit: unknown, origin: unknown): string {
  if (origin === 'string') return `must have ${bound} ${String(limit)} characters`;
  if (origin === 'array') return `must have ${bound} ${String(limit)} entries`;
  return `must be ${bound} ${String(limit)}`;
}

function listOf(values: unknown): string {
  return textsOf(values)
    .map((value) => JSON.stringify(value))
    .join(' or ');
}

function textsOf(values: unknown): readonly string[] {
  return Array.isArray(values) ? values.map(String) : [];
}

function shorten(name: string): string {
  return name.length > MOST_NAME_CHARACTERS ? `${name.slice(0, MOST_NAME_CHARACTERS)}…` : name;
}
