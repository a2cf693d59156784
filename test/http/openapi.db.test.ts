import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApi, type Api } from './support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

test('the OpenAPI document is valid 3.1 and served to everybody', async () => {
  const { status, body } = await api.call({ url: '/v1/openapi.json' });
  expect(status).toBe(200);
  const result = await new Validator().validate(structuredClone(body));
  expect(result.errors ?? []).toEqual([]);
  expect(body.openapi).toBe('3.1.0');
  if (process.env['SHOW']) console.log(JSON.stringify(body, null, 1));
});
