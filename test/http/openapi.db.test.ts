import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCOPES } from '../../src/accounts/api-key.ts';
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

test('the document says of every operation what a key must be allowed to, and of every event what it means', async () => {
  const { body } = await api.call({ url: '/v1/openapi.json' });
  const operations: { operationId: string; description: string; security: object[] }[] =
    Object.values<object>(body.paths).flatMap((path) => Object.values(path));
  expect(operations.length).toBeGreaterThan(40);
  for (const { operationId, description, security } of operations) {
    const [scope] = /(?<=scope `)[a-z]+/.exec(description) ?? [];
    expect([operationId, security]).toEqual([operationId, [{ bearer: [scope] }]]);
    expect(SCOPES).toContain(scope);
  }
  const { Event: event } = body.components.schemas;
  for (const { description, properties } of event.oneOf) {
    const { type, data, ...attributes } = properties;
    expect([type.const, description]).toEqual([type.const, expect.stringMatching(/^.+\.$/)]);
    const fields: [string, { description?: string; const?: string }][] = Object.entries({
      ...attributes,
      ...data.properties,
    });
    for (const [name, field] of fields) {
      const said = field.description ?? field.const;
      if (name !== 'instead') expect([type.const, name, typeof said]).toContain('string');
    }
  }
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
