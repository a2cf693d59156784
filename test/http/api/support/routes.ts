import Fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { ApiDependencies } from '../../../../src/http/api/dependencies.ts';
import { apiRoutes } from '../../../../src/http/api/routes.ts';
import { addRateLimits } from '../../../../src/http/rate-limits.ts';

export type ApiRoute = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `:name` and `:id` stand for an app and a database. */
  readonly url: string;
  /** Its schema says what is answered. */
  readonly isAnswerDescribed: boolean;
};

/** The route table itself, so that no route is forgotten. */
export async function routesOfApi(dependencies: ApiDependencies): Promise<readonly ApiRoute[]> {
  const routes: ApiRoute[] = [];
  const probe = Fastify();
  probe.setValidatorCompiler(validatorCompiler);
  probe.setSerializerCompiler(serializerCompiler);
  await addRateLimits(probe, undefined);
  probe.addHook('onRoute', ({ method, url, schema }) => {
    if (method === 'HEAD') return;
    const isAnswerDescribed = schema?.response !== undefined;
    routes.push({ method: method as ApiRoute['method'], url, isAnswerDescribed });
  });
  await probe.register(apiRoutes(dependencies), { prefix: '/api' });
  await probe.ready();
  await probe.close();
  return routes;
}

/** Every method and path that one of the two releases calls, by the contract; the last is ours. */
export const CONTRACT = [
  'GET /api/validate_email',
  'POST /api/free_users',
  'POST /api/signup',
  'GET /api/login',
  'POST /api/api_keys',
  'POST /api/api_keys/regenerate',
  'GET /api/users',
  'PATCH /api/users',
  'PATCH /api/users/change_password',
  'PUT /api/users/reset_password',
  'POST /api/users/reset_password',
  'PUT /api/users/reconfirm_email',
  'PUT /api/users/upgrade',
  'POST /api/upgrade',
  'DELETE /api/users/destroy',
  'GET /api/payment_methods',
  'PUT /api/payment_methods',
  'GET /api/usage',
  'GET /api/usage/run_rate',
  'GET /api/invoices',
  'GET /api/apps',
  'POST /api/apps',
  'GET /api/apps/:name',
  'DELETE /api/apps/:name',
  'GET /api/apps/:name/status',
  'PUT /api/apps/:name/scale',
  'PUT /api/apps/:name/restart',
  'POST /api/apps/:name/run',
  'GET /api/apps/:name/migrate-command',
  'GET /api/apps/:name/databases',
  'POST /api/apps/:name/databases',
  'POST /api/apps/:name/free_databases',
  'PUT /api/apps/:name/databases/:id',
  'DELETE /api/apps/:name/databases/:id',
  'GET /api/apps/:name/permissions',
  'POST /api/apps/:name/permissions',
  'DELETE /api/apps/:name/permissions',
  'POST /api/users/confirm_email',
];

const PUBLIC = [
  'GET /api/validate_email',
  'POST /api/free_users',
  'POST /api/signup',
  'PUT /api/users/reset_password',
  'POST /api/users/reset_password',
  'PUT /api/users/reconfirm_email',
  'POST /api/users/confirm_email',
];

/** Routes for those who have no key yet, by the contract. */
export function isPublic({ method, url }: Pick<ApiRoute, 'method' | 'url'>): boolean {
  return PUBLIC.includes(`${method} ${url}`);
}

const BY_PASSWORD = ['GET /api/login', 'POST /api/api_keys', 'PATCH /api/users'];

export function isByPassword({ method, url }: Pick<ApiRoute, 'method' | 'url'>): boolean {
  return BY_PASSWORD.includes(`${method} ${url}`);
}

/** A body and a query that are right for a route, as far as they can be without knowing more. */
export function requestFor(
  { method, url }: Pick<ApiRoute, 'method' | 'url'>,
  app: string,
  database: string,
) {
  const path = url.replace(':name', app).replace(':id', database);
  const query = QUERIES[`${method} ${url}`] ?? '';
  const json = BODIES[`${method} ${url}`];
  return { method, path: `${path}${query}`, ...(json === undefined ? {} : { json }) };
}

const QUERIES: Readonly<Record<string, string>> = {
  'GET /api/validate_email': '?email=free@acme.example',
  'POST /api/api_keys/regenerate': '?current_password=secret-password',
};

const email = 'somebody@acme.example';
const BODIES: Readonly<Record<string, unknown>> = {
  'POST /api/free_users': { email, password: 'secret-password' },
  'POST /api/signup': { email },
  'PUT /api/users/reset_password': { email },
  'POST /api/users/reset_password': { token: 'nonsense', password: 'secret-password' },
  'PUT /api/users/reconfirm_email': { email },
  'POST /api/users/confirm_email': { token: 'nonsense' },
  'PATCH /api/users': { new_password: 'secret-password' },
  'POST /api/upgrade': { stripe_token: 'tok_visa' },
  'PATCH /api/users/change_password': {
    current_password: 'secret-password',
    new_password: 'secret-password',
  },
  'DELETE /api/users/destroy': { email, current_password: 'secret-password' },
  'PUT /api/payment_methods': { stripe_token: 'tok_visa' },
  'POST /api/apps': {},
  'PUT /api/apps/:name/scale': { replicas: 0 },
  'POST /api/apps/:name/run': { command: ['ls'] },
  'POST /api/apps/:name/databases': { size: 0.6 },
  'PUT /api/apps/:name/databases/:id': { size: 0.6 },
  'POST /api/apps/:name/permissions': { email },
  'DELETE /api/apps/:name/permissions': { email },
};
