import { z } from 'zod';
import { DERIVED_SOURCE } from './derived.ts';
import { EMAIL_RULE, isEmailAddress } from '../values/email.ts';
import { IDENTIFIER_RULE, isIdentifier } from '../values/identifier.ts';
import { INSTANT_RULE, parseInstant } from '../values/instant.ts';
import { APP_SIZE_RULE, DATABASE_SIZE_RULE, isAppSize, isDatabaseSize } from '../values/size.ts';

/** Level × seconds since 1970 must fit a bigint of the database: no setting may allow more replicas. */
export const MAX_REPLICAS_CEILING = 1_000_000;
const MAX_ROWS = 10 ** 15;

/**
 * CloudEvents 1.0 as the platform reports them. Attributes beyond those named here (subject, extensions)
 * are allowed and not kept; unknown fields of `data` are refused, since they are misspellings.
 */
export function eventSchema(maxReplicas: number) {
  const account = identifier();
  const app = identifier();
  const database = identifier();
  const job = identifier();
  const replicas = count(maxReplicas);
  const level = { account, app, replicas, size: size(isAppSize, APP_SIZE_RULE) };
  const databaseSize = size(isDatabaseSize, DATABASE_SIZE_RULE);
  const variants = [
    variant('account.created', { account, email: text(isEmailAddress, EMAIL_RULE) }),
    variant('account.confirmed', { account }),
    variant('account.upgraded', { account }),
    variant('account.deleted', { account }),
    variant('app.created', { account, app }),
    variant('app.deployed', level),
    variant('app.scaled', level),
    variant('app.deleted', { account, app }),
    variant('database.available', { account, app, database, size: databaseSize }),
    variant('database.resized', { account, database, size: databaseSize }),
    variant('database.deleted', { account, database }),
    variant('database.rows_observed', { account, database, rows: count(MAX_ROWS) }),
    variant('job.started', { account, app, job, size: level.size }),
    variant('job.finished', { account, app, job }),
    variant('event.superseded', {
      account,
      superseded_source: identifier(),
      superseded_id: text((value) => value.length > 0, 'the id of a recorded event'),
      actor: identifier(),
      reason: identifier(),
      instead: correction(replicas).optional(),
    }),
  ] as const;
  const types = variants.map((one) => one.shape.type.value).join(', ');
  return z.discriminatedUnion('type', variants, {
    error: (issue) =>
      issue.code === 'invalid_union'
        ? `must be one of ${types}`
        : 'must be a CloudEvents 1.0 object',
  });
}

export type ReportedEvent = z.output<ReturnType<typeof eventSchema>>;

function variant<T extends string, Shape extends z.ZodRawShape>(type: T, data: Shape) {
  return z.looseObject({
    specversion: z.literal('1.0', { error: 'must be "1.0"' }),
    id: identifier(),
    source: text(
      (value) => isIdentifier(value) && value !== DERIVED_SOURCE,
      `${IDENTIFIER_RULE}, not "${DERIVED_SOURCE}"`,
    ),
    type: z.literal(type),
    time: instant(),
    sequence: identifier().optional(),
    data: z.strictObject(data, {
      error: (issue) =>
        issue.code === 'unrecognized_keys'
          ? `is not a field of ${type}, which takes ${Object.keys(data).join(', ')}`
          : `must be an object with ${Object.keys(data).join(', ')}`,
    }),
  });
}

/** What of the superseded event is true otherwise: the fields not named stay as they were. */
function correction(replicas: ReturnType<typeof count>) {
  const rule = 'must be an object with some of time, replicas, size';
  return z.strictObject(
    { time: instant().optional(), replicas: replicas.optional(), size: z.number().optional() },
    { error: rule },
  );
}

function instant() {
  return text((value) => parseInstant(value) !== undefined, INSTANT_RULE);
}

function identifier() {
  return text(isIdentifier, IDENTIFIER_RULE);
}

function text(accepts: (value: string) => boolean, rule: string) {
  return z.string({ error: `must be ${rule}` }).refine(accepts, { error: `must be ${rule}` });
}

function count(max: number) {
  const error = `must be a whole number from 0 to ${max}`;
  return z
    .number({ error })
    .refine((value) => Number.isInteger(value) && value >= 0 && value <= max, {
      error,
    });
}

function size(accepts: (value: number) => boolean, rule: string) {
  return z.number({ error: `must be ${rule}` }).refine(accepts, { error: `must be ${rule}` });
}
