import { z } from 'zod';
import { APP_NAME_RULE, isAppName } from '../../platform/app-name.ts';
import { EMAIL_RULE, isEmailAddress } from '../../values/email.ts';
import { IDENTIFIER_RULE, isIdentifier } from '../../values/identifier.ts';
import { formatSecond, type Second } from '../../values/instant.ts';
import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../../values/size.ts';

/** What several resources of the CLI's API share. */

const MOST_CHARACTERS = 1000;

export const email = z
  .string({ error: `must be ${EMAIL_RULE}` })
  .refine(isEmailAddress, { error: `must be ${EMAIL_RULE}` });

/** Whether it is fit for one is said where it is set. */
export const password = z.string({ error: 'must be a text' }).max(MOST_CHARACTERS);
export const token = z.string({ error: 'must be a text' }).max(MOST_CHARACTERS);

/** PostgreSQL holds no NUL, and no half of a surrogate pair. */
export const text = z
  .string({ error: 'must be a text' })
  .min(1, { error: 'must not be empty' })
  .max(10 * MOST_CHARACTERS)
  .refine((value) => !/[\0\p{Cs}]/u.test(value), { error: 'must be text without NUL' });
export const wish = text.nullish();

const WHOLE = 'must be a whole number from 0 on';

/** `2` and `2.0`; how many are allowed is said by the limits. */
export const replicas = z.number({ error: WHOLE }).int({ error: WHOLE }).min(0, { error: WHOLE });

export const appSize = z
  .number({ error: `must be ${APP_SIZE_RULE}` })
  .refine(isAppSize, { error: `must be ${APP_SIZE_RULE}` })
  .transform(toTenths);

export const databaseSize = z
  .number({ error: `must be ${DATABASE_SIZE_RULE}` })
  .refine(isDatabaseSize, { error: `must be ${DATABASE_SIZE_RULE}` })
  .transform(toTenths);

/** Release 0.15.0 of the CLI writes names in lower case itself. */
export const appName = z
  .string({ error: APP_NAME_RULE })
  .transform((name) => name.toLowerCase())
  .refine(isAppName, { error: APP_NAME_RULE });

const identifier = z.string().refine(isIdentifier, { error: `must be ${IDENTIFIER_RULE}` });
export const appParams = z.strictObject({ name: identifier });
export const databaseParams = z.strictObject({ name: identifier, id: identifier });

/** Bodies of requests that have none, whatever the CLI says of their type. */
export const noBody = z.union([z.undefined(), z.null(), z.strictObject({})], {
  error: 'must be empty',
});

/** `2017-05-11T22:57:34.000+00:00` (R35) */
export function toApiInstant(at: Second): string {
  return formatSecond(at).replace('Z', '.000+00:00');
}

export function toApiInstantOf(date: Date): string {
  return date.toISOString().replace('Z', '+00:00');
}

/** Wishes that were not left out. */
export function given(wishes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(wishes).filter(([, value]) => value !== undefined && value !== null),
  );
}
