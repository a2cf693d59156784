import { validatorCompiler } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { describeMistake, mistakesIn, type Findings } from '../../src/http/mistakes.ts';
import { assert } from '../../src/values/fault.ts';

/** What a schema says of a body, as the server would answer it. */
function mistakesOf(schema: z.ZodType, body: unknown) {
  const route = { schema, method: 'POST', url: '/', httpPart: 'body' } as const;
  const result: unknown = validatorCompiler(route)(body);
  assert(typeof result === 'object' && result !== null && 'error' in result, 'it is refused');
  const findings = { validation: result.error, validationContext: 'body' } as Findings;
  return mistakesIn(findings, { body });
}

const told = (schema: z.ZodType, body: unknown): string[] =>
  mistakesOf(schema, body).mistakes.map(describeMistake);

const order = z.strictObject({
  count: z.number().int().min(1).max(10).optional(),
  colour: z.enum(['red', 'blue']).optional(),
  name: z.string().min(3).max(5).optional(),
  list: z.array(z.string()).max(2).optional(),
  password: z.string().min(8).optional(),
  kind: z
    .discriminatedUnion('is', [
      z.strictObject({ is: z.literal('a') }),
      z.strictObject({ is: z.literal('b') }),
    ])
    .optional(),
});

test.each<[string, unknown, string[]]>([
  ['nothing', null, ['body is missing; it must be an object']],
  ['a list', [], ['body must be an object']],
  ['a fraction', { count: 1.5 }, ['body.count is 1.5; it must be a whole number']],
  ['too many', { count: 11 }, ['body.count is 11; it must be at most 10']],
  ['too few', { count: 0 }, ['body.count is 0; it must be at least 1']],
  ['beyond all integers', { count: 1e308 }, ['body.count is 1e+308; it must be at most 10']],
  ['a text for a number', { count: '1' }, ['body.count is "1"; it must be a number']],
  ['another word', { colour: 'x' }, ['body.colour is "x"; it must be "red" or "blue"']],
  ['a short text', { name: 'a' }, ['body.name is "a"; it must have at least 3 characters']],
  ['a long list', { list: ['a', 'b', 'c'] }, ['body.list must have at most 2 entries']],
  ['of a list one', { list: [1] }, ['body.list.0 is 1; it must be a text']],
  ['another kind', { kind: { is: 'c' } }, ['body.kind.is is "c"; it must be "a" or "b"']],
  [
    'unknown fields',
    { price: 0, free: true },
    [
      'body.price is 0; it must be left out: there is no such field',
      'body.free is true; it must be left out: there is no such field',
    ],
  ],
  ['a secret', { password: 'hunter2' }, ['body.password must have at least 8 characters']],
])('a refusal names field, value and what would be right: %s', (_name, body, expected) => {
  expect(told(order, body)).toEqual(expected);
});

test('what a schema says itself is said, and long values are shortened', () => {
  const schema = z.strictObject({ at: z.string().refine(() => false, { error: 'must be nice' }) });
  const [sentence] = told(schema, { at: 'x'.repeat(10_000) });
  expect(sentence).toMatch(/^body\.at is "x{50,}…; it must be nice$/);
  expect(sentence!.length).toBeLessThan(200);
});

test('of thousands of mistakes the first ten are told, and how many more there are', () => {
  const entries = mistakesOf(
    z.array(z.string()),
    Array.from({ length: 5000 }, () => 0),
  );
  expect(entries.mistakes).toHaveLength(10);
  expect(entries.more).toBe(4990);
  const names = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`f${n}`, 1]));
  const fields = mistakesOf(z.strictObject({}), { ...names, ['y'.repeat(10_000)]: 1 });
  expect(fields.mistakes).toHaveLength(10);
  expect(fields.more).toBe(4991);
});
