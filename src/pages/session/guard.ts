import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Scope } from '../../accounts/api-key.ts';
import { findSession, type Session } from '../../login/session-store.ts';
import { assert, Fault } from '../../values/fault.ts';
import type { PagesDependencies } from '../dependencies.ts';
import { csrfTokenOf, isCsrfToken, readCookie } from './cookie.ts';

/** Who looks at a page, with what its forms must carry. */
export type Viewer = Session & { readonly csrfToken: string };

declare module 'fastify' {
  interface FastifyRequest {
    viewer: Viewer | null;
  }
}

/** Finds out who looks. @throws Fault `signed_out`. */
export async function admit(
  request: FastifyRequest,
  { db, clock }: Pick<PagesDependencies, 'db' | 'clock'>,
): Promise<void> {
  const secret = readCookie(request);
  const session = secret === undefined ? undefined : await findSession(db, clock(), secret);
  if (secret === undefined || session === undefined) throw signedOut();
  request.viewer = { ...session, csrfToken: csrfTokenOf(secret) };
}

/** Takes posts only from forms of the viewer's own session. */
export function requireOwnForms(server: FastifyInstance): void {
  server.addHook('preHandler', async (request) => {
    if (isReading(request)) return;
    const body: unknown = request.body;
    const token =
      typeof body === 'object' && body !== null && 'csrf' in body ? body.csrf : undefined;
    if (!isCsrfToken(readCookie(request) ?? '', token)) throw foreignForm();
  });
}

/** Of requests without a token: browsers say where they come from. */
export function requireOwnSite(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  if (!isReading(request) && !isOwn) throw foreignForm();
}

function isReading({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** An account sees itself only: others are as unknown to it as those that do not exist. */
export function requireOwnAccount(request: FastifyRequest, accountId: string): void {
  const own = viewerOf(request).accountId;
  if (own !== undefined && own !== accountId) throw unknownPage();
}

/** Operators' pages do not exist for accounts. */
export function requireOperator(request: FastifyRequest): void {
  if (viewerOf(request).accountId !== undefined) throw unknownPage();
}

export function requireScope(request: FastifyRequest, scope: Scope): void {
  if (viewerOf(request).scopes.includes(scope)) return;
  throw new Fault('unauthorized', 'scope_missing', `this needs a key with the scope ${scope}`);
}

export function viewerOf({ viewer }: FastifyRequest): Viewer {
  assert(viewer !== null, 'only signed-in people come this far');
  return viewer;
}

export function foreignForm(): Fault {
  const message = 'this form is not of your session: please go back, reload the page and try again';
  return new Fault('unauthorized', 'csrf', message);
}

function signedOut(): Fault {
  return new Fault('unauthorized', 'signed_out', 'please sign in');
}

export function unknownPage(): Fault {
  return new Fault('not_found', 'page_unknown', 'there is no such page');
}
