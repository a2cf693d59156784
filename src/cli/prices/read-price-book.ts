import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import {
  priceBookContent,
  readPriceBook,
  type PriceBook,
  type PriceBookContent,
} from '../../pricing/price-book.ts';
import { Fault } from '../../values/fault.ts';
import { IDENTIFIER_RULE, isIdentifier } from '../../values/identifier.ts';
import { INSTANT_RULE, parseInstant, type Second } from '../../values/instant.ts';

/** A price book as it is written in a file, with or without its id and when it comes into force. */
export type WrittenPriceBook = {
  readonly id: string | undefined;
  readonly effectiveAt: Second | undefined;
  readonly content: PriceBookContent;
};

const written = priceBookContent.extend({
  id: z
    .string()
    .refine(isIdentifier, { error: `must be ${IDENTIFIER_RULE}` })
    .optional(),
  effective_at: z
    .string()
    .refine((text) => parseInstant(text) !== undefined, { error: `must be ${INSTANT_RULE}` })
    .optional(),
});

/** @throws Fault `price_book_invalid`, which names what is wrong in the file. */
export async function readPriceBookFile(file: string): Promise<WrittenPriceBook> {
  const {
    id,
    effective_at: effectiveAt,
    ...content
  } = parseWith(written, await readJson(file), file);
  return {
    id,
    effectiveAt: effectiveAt === undefined ? undefined : parseInstant(effectiveAt)!.second,
    content,
  };
}

/** For pricing with it as if it had always been in force. */
export function asInForce({ id, content }: WrittenPriceBook): PriceBook {
  return readPriceBook(id ?? 'file', 0n, content);
}

/** @throws Fault `price_book_invalid`, which names the wrong fields. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const complaints = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new Fault('invalid', 'price_book_invalid', `${what}: ${complaints.join('; ')}`);
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new Fault('invalid', 'price_book_invalid', `${file} ${why}: ${String(error)}`);
  }
}
