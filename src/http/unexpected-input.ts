import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Fault } from '../values/fault.ts';

/** Refuses bodies and queries where a route has none, as schemas refuse fields they do not know. */
export function refuseUnexpectedInput(server: FastifyInstance): void {
  server.addHook('preValidation', async ({ is404, body, query, routeOptions }: FastifyRequest) => {
    const { schema } = routeOptions;
    if (is404) return;
    if (schema?.body === undefined && !isEmpty(body)) throw unexpected('no body');
    if (schema?.querystring === undefined && !isEmpty(query)) throw unexpected('no query');
  });
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0;
}

function unexpected(what: string): Fault {
  return new Fault('invalid', 'invalid_request', `this request takes ${what}`);
}
