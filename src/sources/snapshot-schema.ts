import { z } from 'zod';
import { DERIVED_SOURCE } from '../events/derived.ts';
import { showValue } from '../events/parse-event.ts';
import { COMMAND_SOURCE } from '../platform/command.ts';
import { Fault } from '../values/fault.ts';
import {
  IDENTIFIER_RULE,
  isIdentifier,
  isShortIdentifier,
  SHORT_IDENTIFIER_RULE,
} from '../values/identifier.ts';
import { INSTANT_RULE, parseInstant } from '../values/instant.ts';
import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../values/size.ts';
import type { Snapshot } from './snapshot.ts';

/** A bigger platform sends a snapshot for each of several sources, such as its regions. */
const MOST_ACCOUNTS = 100_000;

const identifier = z
  .string({ error: `must be ${IDENTIFIER_RULE}` })
  .refine(isIdentifier, { error: `must be ${IDENTIFIER_RULE}` });

const instant = z
  .string({ error: `must be ${INSTANT_RULE}` })
  .refine((text) => parseInstant(text) !== undefined, { error: `must be ${INSTANT_RULE}` });

export const sourceName = z
  .string({ error: `must be ${SHORT_IDENTIFIER_RULE}` })
  .refine(isShortIdentifier, { error: `must be ${SHORT_IDENTIFIER_RULE}` })
  .refine((name) => name !== DERIVED_SOURCE && name !== COMMAND_SOURCE, {
    error: `must be a source of the platform's, not "${DERIVED_SOURCE}" or "${COMMAND_SOURCE}"`,
  });

/** The whole live state of a source, as it is sent. `maxReplicas` is per app (R9). */
export function snapshotSchema(maxReplicas: number) {
  const replicasRule = `must be a whole number from 0 to ${maxReplicas}`;
  const app = z.strictObject({
    app: identifier,
    replicas: z.number({ error: replicasRule }).refine(isCount(maxReplicas), replicasRule),
    size: z.number().refine(isAppSize, { error: `must be ${APP_SIZE_RULE}` }),
  });
  const database = z.strictObject({
    app: identifier,
    database: identifier,
    size: z.number().refine(isDatabaseSize, { error: `must be ${DATABASE_SIZE_RULE}` }),
  });
  const account = z.strictObject({
    account: identifier,
    apps: z.array(app).default([]),
    databases: z.array(database).default([]),
  });
  return z
    .strictObject({
      taken_at: instant.meta({
        description: 'the instant of which it tells',
        example: '2026-01-10T00:00:00Z',
      }),
      since: instant.optional().meta({
        description:
          'take the differences to have been there since this earlier instant, or since the last report of the resource where that is later; without it they begin at `taken_at`',
      }),
      accounts: z.array(account).max(MOST_ACCOUNTS).superRefine(refuseRepeated),
    })
    .superRefine(({ taken_at, since }, context) => {
      if (since === undefined || isNotAfter(since, taken_at)) return;
      context.addIssue({ code: 'custom', path: ['since'], message: 'must not be after taken_at' });
    })
    .meta({
      id: 'Snapshot',
      description: 'all that a source runs; what is not named does not run',
    });
}

type SentSnapshot = z.output<ReturnType<typeof snapshotSchema>>;

export function toSnapshot(source: string, sent: SentSnapshot): Snapshot {
  return {
    source,
    takenAt: parseInstant(sent.taken_at)!,
    since: sent.since === undefined ? undefined : parseInstant(sent.since)!,
    accounts: sent.accounts.map(({ account, apps, databases }) => ({
      account,
      apps: apps.map(({ size, ...rest }) => ({ ...rest, sizeTenths: toTenths(size) })),
      databases: databases.map(({ size, ...rest }) => ({ ...rest, sizeTenths: toTenths(size) })),
    })),
  };
}

/** Reads what came from a file or a queue. @throws Fault `invalid_snapshot`, naming the field. */
export function parseSnapshot(maxReplicas: number) {
  const schema = snapshotSchema(maxReplicas);
  return (source: unknown, sent: unknown): Snapshot => {
    const named = sourceName.safeParse(source);
    if (!named.success) throw invalid('source', source, named.error);
    const parsed = schema.safeParse(sent);
    if (!parsed.success) throw invalid('snapshot', sent, parsed.error);
    return toSnapshot(named.data, parsed.data);
  };
}

function invalid(what: string, value: unknown, error: z.ZodError): Fault {
  const { path, message } = error.issues[0]!;
  const field = path.length === 0 ? what : path.join('.');
  const shown = path.length === 0 && what === 'source' ? ` is ${showValue(value)}; it` : '';
  return new Fault('invalid', 'invalid_snapshot', `${field}${shown} ${message}`);
}

function isCount(max: number) {
  return (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;
}

function isNotAfter(a: string, b: string): boolean {
  const [first, second] = [parseInstant(a)!, parseInstant(b)!];
  if (first.second !== second.second) return first.second < second.second;
  return first.fraction <= second.fraction;
}

type Sent = {
  readonly account: string;
  readonly apps: readonly { readonly app: string }[];
  readonly databases: readonly { readonly database: string }[];
};

/** Two states of one thing at one instant: nobody could say which is true. */
function refuseRepeated(accounts: readonly Sent[], context: z.RefinementCtx): void {
  const refuse = (path: readonly (string | number)[], names: readonly string[]): void => {
    const seen = new Set<string>();
    for (const [index, name] of names.entries()) {
      if (seen.has(name)) {
        const message = `must not be named twice: ${JSON.stringify(name)}`;
        context.addIssue({ code: 'custom', path: [...path, index], message });
      }
      seen.add(name);
    }
  };
  refuse(
    [],
    accounts.map(({ account }) => account),
  );
  for (const [index, { apps, databases }] of accounts.entries()) {
    refuse(
      [index, 'apps'],
      apps.map(({ app }) => app),
    );
    refuse(
      [index, 'databases'],
      databases.map(({ database }) => database),
    );
  }
}
