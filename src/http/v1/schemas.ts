import { z } from 'zod';
import { EMAIL_RULE, isEmailAddress } from '../../values/email.ts';
import { IDENTIFIER_RULE, isIdentifier } from '../../values/identifier.ts';
import {
  formatSecond,
  INSTANT_RULE,
  parseInstant,
  toSecond,
  type Second,
} from '../../values/instant.ts';
import { assert } from '../../values/fault.ts';
import type { Cents } from '../../values/money.ts';

/** Schemas and conversions that several resources share. All big numbers but cents are decimal strings. */

export const identifier = z
  .string({ error: `must be ${IDENTIFIER_RULE}` })
  .refine(isIdentifier, { error: `must be ${IDENTIFIER_RULE}` })
  .meta({ description: IDENTIFIER_RULE, example: 'acme' });

export const email = z
  .string({ error: `must be ${EMAIL_RULE}` })
  .refine(isEmailAddress, { error: `must be ${EMAIL_RULE}` })
  .meta({ description: EMAIL_RULE, example: 'owner@acme.example' });

export const accountParams = z.strictObject({ account: identifier });

/** Read from a query or body as the whole second it lies in. */
export const instantInput = z
  .string({ error: `must be ${INSTANT_RULE}` })
  .refine((text) => parseInstant(text) !== undefined, { error: `must be ${INSTANT_RULE}` })
  .transform((text): Second => parseInstant(text)!.second)
  .meta({ description: INSTANT_RULE, example: '2026-01-10T00:00:00Z' });

export const instant = z
  .string()
  .meta({ description: 'an RFC 3339 instant, in UTC', example: '2026-01-10T00:00:00Z' });

export const cents = z.number().int().meta({ description: 'whole US cents', example: 2500 });

export const decimal = z
  .string()
  .meta({ description: 'an exact decimal number', example: '1339200' });

export const period = z
  .object({ start: instant, end: instant })
  .meta({ id: 'Period', description: 'half-open: the end does not belong to it' });

export const tier = z.enum(['FREE', 'STANDARD']);

export const MOST_PER_PAGE = 100;

/** Keyset paging: stable while rows are added, and as fast at the end as at the beginning. */
export const paging = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST_PER_PAGE)
    .default(MOST_PER_PAGE)
    .meta({ description: `at most ${MOST_PER_PAGE}` }),
  after: identifier
    .optional()
    .meta({ description: '`next` of the page before', example: 'inv_0123456789abcdef01234567' }),
};

export const next = z
  .string()
  .nullable()
  .meta({ description: '`after` for the next page; null on the last' });

export const problem = z
  .looseObject({
    type: z.string().meta({ example: 'urn:gigameter:problem:account_unknown' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'what was wrong, and what would be right' }),
    code: z.string().meta({ description: 'stable, for programs', example: 'account_unknown' }),
    request_id: z.string(),
    errors: z
      .array(
        z.object({
          field: z.string().meta({ example: 'body.replicas' }),
          value: z.string().optional().meta({
            description:
              'as JSON, shortened; empty when missing, absent where it is not to be repeated',
            example: '1.5',
          }),
          message: z.string().meta({ example: 'must be a whole number' }),
        }),
      )
      .optional()
      .meta({ description: 'of a request that breaks its schema: the first ten mistakes' }),
  })
  .meta({ id: 'Problem', description: 'problem details (RFC 9457)' });

/** What every operation may answer instead of its result. */
export const PROBLEMS = {
  '4xx': {
    description: 'refused: `code` and `detail` say why',
    content: { 'application/problem+json': { schema: problem } },
  },
  '5xx': {
    description: 'not now (503), or our mistake (500)',
    content: { 'application/problem+json': { schema: problem } },
  },
} as const;

export function toCents(amount: Cents): number {
  const number = Number(amount);
  assert(Number.isSafeInteger(number), `${amount} cents fit a JSON number`);
  return number;
}

export function toInstant(at: Second): string {
  return formatSecond(at);
}

export function dateToInstant(date: Date): string {
  return formatSecond(toSecond(date));
}

export function periodToJson({ start, end }: { readonly start: Second; readonly end: Second }) {
  return { start: toInstant(start), end: toInstant(end) };
}

/** A page of at most `limit` of the rows, of which one more was asked for to see whether there are more. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => string,
): { readonly rows: readonly Row[]; readonly next: string | null } {
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? idOf(page.at(-1)!) : null };
}
