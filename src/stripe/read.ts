import { z } from 'zod';
import type { Gateway, Params } from './gateway.ts';

/** Stripe could not be read just now: try the whole step again, not before `retryAfterMs`. */
export class Unanswered extends Error {
  readonly retryAfterMs: number;
  readonly isBarred: boolean;

  constructor(reason: string, retryAfterMs: number, isBarred = false) {
    super(reason);
    this.name = 'Unanswered';
    this.retryAfterMs = retryAfterMs;
    this.isBarred = isBarred;
  }
}

/**
 * Reads one object; undefined when Stripe does not have it.
 *
 * @throws Unanswered when Stripe cannot tell, or not in a form we understand.
 */
export async function readObject<S extends z.ZodType>(
  gateway: Gateway,
  schema: S,
  path: string,
  params: Params = {},
): Promise<z.infer<S> | undefined> {
  const answer = await gateway.send({ method: 'GET', path, params });
  switch (answer.outcome) {
    case 'ok':
      return parse(schema, answer.body, path);
    case 'refused':
      if (answer.refusal.status === 404 || answer.refusal.code === 'resource_missing') {
        return undefined;
      }
      throw new Unanswered(`GET ${path}: ${answer.refusal.message}`, 60_000);
    case 'limited':
      throw new Unanswered(answer.reason, answer.retryAfterMs ?? 1_000);
    case 'barred':
      throw new Unanswered(answer.reason, 60_000, true);
    case 'unknown':
      throw new Unanswered(answer.reason, 2_000);
  }
}

/** Reads a list to its end, page by page, newest first as Stripe lists. Nothing when its parent is gone. */
export async function* readList<S extends z.ZodType<{ id: string }>>(
  gateway: Gateway,
  schema: S,
  path: string,
  params: Params = {},
): AsyncGenerator<z.infer<S>> {
  const page = z.object({ data: z.array(schema), has_more: z.boolean().nullish() });
  let after: Params = {};
  for (;;) {
    const found = await readObject(gateway, page, path, { limit: 100, ...params, ...after });
    yield* found?.data ?? [];
    const last = found?.data.at(-1);
    if (last === undefined || found?.has_more !== true) return;
    after = { starting_after: last.id };
  }
}

function parse<S extends z.ZodType>(schema: S, body: object, path: string): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Unanswered(`GET ${path} answered something else: ${parsed.error.message}`, 60_000);
}
