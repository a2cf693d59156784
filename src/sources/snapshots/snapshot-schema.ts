import { z } from 'zod';
import { DERIVED_SOURCE } from '../../events/derived.ts';
import { COMMAND_SOURCE } from '../../platform/command.ts';
import { Fault } from '../../values/fault.ts';
import {
  IDENTIFIER_RULE,
  isIdentifier,
  isShortIdentifier,
  SHORT_IDENTIFIER_RULE,
} from '../../values/identifier.ts';
import { INSTANT_RULE, parseInstant, type Instant } from '../../values/instant.ts';
import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../../values/size.ts';
import { showValue, valueAt } from '../../values/show-value.ts';
import type { AccountSnapshot, Snapshot } from './snapshot.ts';

/** A bigger platform sends a snapshot for each of several sources, such as its regions. */
const MOST_ACCOUNTS = 100_000;
/** Apps of one account, and databases. */
const MOST_OF_ACCOUNT = 100_000;

const identifier = z
  .string({ error: `must be ${IDENTIFIER_RULE}` })
  .refine(isIdentifier, { error: `must be ${IDENTIFIER_RULE}` })
  .meta({ description: IDENTIFIER_RULE });

const instant = z
  .string({ error: `must be ${INSTANT_RULE}` })
  .refine((text) => parseInstant(text) !== undefined, { error: `must be ${INSTANT_RULE}` });

export const sourceName = z
  .string({ error: `must be ${SHORT_IDENTIFIER_RULE}` })
  .refine(isShortIdentifier, { error: `must be ${SHORT_IDENTIFIER_RULE}` })
  .refine((name) => name !== DERIVED_SOURCE && name !== COMMAND_SOURCE, {
    error: `must be a source of the platform's, not "${DERIVED_SOURCE}" or "${COMMAND_SOURCE}"`,
  });

const TAKEN_AT = instant.meta({
  description: 'the instant of which it tells',
  example: '2026-01-10T00:00:00Z',
});
const SINCE = instant.optional().meta({
  description:
    'take the differences to have been there since this earlier instant, or since the last report of the resource where that is later; without it they begin at `taken_at`',
});

/** How a snapshot is sent: for documents; `parseSnapshot` reads it. `maxReplicas` is per app (R9). */
export function snapshotSchema(maxReplicas: number) {
  const accounts = listOf(accountSchema(maxReplicas), MOST_ACCOUNTS);
  return z.strictObject({ taken_at: TAKEN_AT, since: SINCE, accounts }).meta({
    id: 'Snapshot',
    description: 'all that a source runs; what is not named does not run',
  });
}

function accountSchema(maxReplicas: number) {
  const replicasRule = `must be a whole number from 0 to ${maxReplicas}`;
  const app = objectOf({
    app: identifier,
    replicas: z
      .number({ error: replicasRule })
      .refine(isCount(maxReplicas), replicasRule)
      .meta({ description: 'a whole number from 0 on' }),
    size: size(isAppSize, APP_SIZE_RULE),
  });
  const database = objectOf({
    app: identifier,
    database: identifier,
    size: size(isDatabaseSize, DATABASE_SIZE_RULE),
  });
  return objectOf({
    account: identifier,
    apps: listOf(app, MOST_OF_ACCOUNT).default([]),
    databases: listOf(database, MOST_OF_ACCOUNT).default([]),
  });
}

function objectOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const fields = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys'
        ? `must be left out: the fields are ${fields}`
        : `must be an object with ${fields}`,
  });
}

function listOf<Element extends z.ZodType>(element: Element, most: number) {
  return z
    .array(element, { error: 'must be a list' })
    .max(most, { error: `must have at most ${most} entries` });
}

function size(accepts: (value: number) => boolean, rule: string) {
  const error = `must be ${rule}`;
  return z.number({ error }).refine(accepts, { error }).meta({ description: rule });
}

type SentAccount = z.output<ReturnType<typeof accountSchema>>;

/**
 * Reads a snapshot, however it was sent, up to its first mistake: one cut to pieces could hold millions, which
 * nobody could read, and no memory hold.
 *
 * @throws Fault `invalid_snapshot`, naming the field, its value and what would be right.
 */
export function parseSnapshot(maxReplicas: number) {
  const head = objectOf({
    taken_at: TAKEN_AT,
    since: SINCE,
    accounts: listOf(z.unknown(), MOST_ACCOUNTS),
  });
  const account = accountSchema(maxReplicas);
  return (source: unknown, sent: unknown): Snapshot => {
    const { taken_at, since, accounts: unread } = read(head, [], sent);
    const accounts = unread.map((one, index) => read(account, ['accounts', index], one));
    refuseRepeated(accounts);
    const takenAt = parseInstant(taken_at)!;
    const sinceAt = since === undefined ? undefined : parseInstant(since)!;
    if (sinceAt !== undefined && !isNotAfter(sinceAt, takenAt)) {
      throw invalid(['since'], since, 'must not be after taken_at');
    }
    return {
      source: read(sourceName, ['source'], source),
      takenAt,
      since: sinceAt,
      accounts: accounts.map(toAccount),
    };
  };
}

function toAccount({ account, apps, databases }: SentAccount): AccountSnapshot {
  return {
    account,
    apps: apps.map(({ size: sent, ...rest }) => ({ ...rest, sizeTenths: toTenths(sent) })),
    databases: databases.map(({ size: sent, ...rest }) => ({
      ...rest,
      sizeTenths: toTenths(sent),
    })),
  };
}

type Path = readonly PropertyKey[];

function read<Schema extends z.ZodType>(schema: Schema, at: Path, sent: unknown): z.output<Schema> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  throw invalid([...at, ...path], valueAt(sent, path), issue.message);
}

function invalid(path: Path, value: unknown, rule: string): Fault {
  const field = path.length === 0 ? 'snapshot' : path.map(String).join('.');
  const isScalar = typeof value !== 'object' || value === null;
  const found = value === undefined ? ' is missing; it' : ` is ${showValue(value)}; it`;
  return new Fault('invalid', 'invalid_snapshot', `${field}${isScalar ? found : ''} ${rule}`);
}

function isCount(max: number) {
  return (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;
}

function isNotAfter(first: Instant, second: Instant): boolean {
  if (first.second !== second.second) return first.second < second.second;
  return first.fraction <= second.fraction;
}

/** Two states of one thing at one instant: nobody could say which is true. */
function refuseRepeated(accounts: readonly SentAccount[]): void {
  const refuse = (path: Path, names: readonly string[]): void => {
    const seen = new Set<string>();
    for (const [index, name] of names.entries()) {
      if (seen.has(name)) throw invalid([...path, index], name, 'must not be named twice');
      seen.add(name);
    }
  };
  refuse(
    ['accounts'],
    accounts.map(({ account }) => account),
  );
  for (const [index, { apps, databases }] of accounts.entries()) {
    const of = ['accounts', index];
    refuse(
      [...of, 'apps'],
      apps.map(({ app }) => app),
    );
    refuse(
      [...of, 'databases'],
      databases.map(({ database }) => database),
    );
  }
}
