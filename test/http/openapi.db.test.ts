import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gigameter } from '../support/command.ts';
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
});

test('what docs/openapi.json says, of which the typed client is made, still holds', async () => {
  const kept: object = JSON.parse(readFileSync('docs/openapi.json', 'utf8'));
  const { body } = await api.call({ url: '/v1/openapi.json' });
  expect(body, 'if this is meant to change, run `npm run client`').toMatchObject(kept);
});

test('the command prints the document that is served', async () => {
  const { code, stdout } = await gigameter(['openapi']);
  const { body } = await api.call({ url: '/v1/openapi.json' });
  expect([code, JSON.parse(stdout)]).toEqual([0, body]);
});

test('a page shows the documentation', async () => {
  const page = await api.call({ url: '/docs' });
  expect(page).toMatchObject({ status: 200, body: expect.stringContaining('swagger-ui') });
});
