import { z } from 'zod';
import { DERIVED_SOURCE, isEventId } from './derived.ts';
import { EMAIL_RULE, isEmailAddress } from '../values/email.ts';
import {
  IDENTIFIER_RULE,
  isIdentifier,
  isShortIdentifier,
  SHORT_IDENTIFIER_RULE,
} from '../values/identifier.ts';
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
    variant(
      'account.created',
      { account, email: text(isEmailAddress, EMAIL_RULE) },
      'It signed up: its billing periods are counted from here. Its tier is FREE.',
    ),
    variant('account.confirmed', { account }, "Its e-mail address is known to be the owner's."),
    variant('account.upgraded', { account }, 'It is charged from here on: its tier is STANDARD.'),
    variant('account.deleted', { account }, 'It ends with all it runs; its final invoice follows.'),
    variant('app.created', { account, app }, 'It exists, and is not metered yet.'),
    variant('app.deployed', level, 'It runs, and is metered from here on as replicas × size.'),
    variant('app.scaled', level, 'It runs replicas × size from here on; 0 replicas cost nothing.'),
    variant('app.deleted', { account, app }, 'It ends, and so does its database.'),
    variant(
      'database.available',
      { account, app, database, size: databaseSize },
      'It is charged by this size from here on.',
    ),
    variant(
      'database.resized',
      { account, database, size: databaseSize },
      'It is charged by this size from here on.',
    ),
    variant('database.deleted', { account, database }, 'It is charged no more.'),
    variant(
      'database.rows_observed',
      { account, database, rows: count(MAX_ROWS) },
      'It held so many rows; the free tier allows 10,000.',
    ),
    variant(
      'job.started',
      { account, app, job, size: level.size },
      'One container of this size runs beside the app. It counts for at most 300 s.',
    ),
    variant('job.finished', { account, app, job }, 'It ended.'),
    variant(
      'event.superseded',
      {
        account,
        superseded_source: shortIdentifier('who reported it'),
        superseded_id: text(isEventId, 'the id of a recorded event'),
        actor: identifier('who says so'),
        reason: identifier('why, for people'),
        instead: correction(replicas).optional(),
      },
      'An earlier event of the account was wrong: what is true `instead`, or nothing.',
    ),
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

function variant<T extends string, Shape extends z.ZodRawShape>(
  type: T,
  data: Shape,
  meaning: string,
) {
  const attributes = {
    specversion: z.literal('1.0', { error: 'must be "1.0"' }),
    id: shortIdentifier('yours, unique for its source and account: the same again changes nothing'),
    source: text(
      (value) => isShortIdentifier(value) && value !== DERIVED_SOURCE,
      `${SHORT_IDENTIFIER_RULE}, not "${DERIVED_SOURCE}"`,
      'who reports it',
    ),
    type: z.literal(type),
    time: instant('when it became true; at most 5 minutes ahead'),
    sequence: shortIdentifier(
      'orders events of one instant; digits are compared as numbers, all else as text',
    ).optional(),
  };
  const content = z.strictObject(data, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `is not a field of ${type}, which takes ${Object.keys(data).join(', ')}`
        : `must be an object with ${Object.keys(data).join(', ')}`,
  });
  return z.looseObject({ ...attributes, data: content }).meta({ description: meaning });
}

/** What of the superseded event is true otherwise: the fields not named stay as they were. */
function correction(replicas: ReturnType<typeof count>) {
  const rule = 'must be an object with some of time, replicas, size';
  return z.strictObject(
    {
      time: instant('when it really became true; at most 5 minutes ahead').optional(),
      replicas: replicas.optional(),
      size: z.number().optional(),
    },
    { error: rule },
  );
}

function instant(meaning?: string) {
  return text((value) => parseInstant(value) !== undefined, INSTANT_RULE, meaning);
}

function identifier(meaning?: string) {
  return text(isIdentifier, IDENTIFIER_RULE, meaning);
}

function shortIdentifier(meaning?: string) {
  return text(isShortIdentifier, SHORT_IDENTIFIER_RULE, meaning);
}

/** `meaning` is for documents, which say the rule as well. */
function text(accepts: (value: string) => boolean, rule: string, meaning?: string) {
  return z
    .string({ error: `must be ${rule}` })
    .refine(accepts, { error: `must be ${rule}` })
    .meta({ description: meaning === undefined ? rule : `${meaning}; ${rule}` });
}

function count(max: number) {
  const rule = `a whole number from 0 to ${max}`;
  return z
    .number({ error: `must be ${rule}` })
    .refine((value) => Number.isInteger(value) && value >= 0 && value <= max, {
      error: `must be ${rule}`,
    })
    .meta({ description: rule });
}

function size(accepts: (value: number) => boolean, rule: string) {
  return z
    .number({ error: `must be ${rule}` })
    .refine(accepts, { error: `must be ${rule}` })
    .meta({ description: rule });
}
