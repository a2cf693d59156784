import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OpenedSession } from '../../login/session-store.ts';

const NAME = 'gigameter_session';

export function readCookie({ headers: { cookie = '' } }: FastifyRequest): string | undefined {
  const pairs = cookie.split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
}

/**
 * Lax, not Strict: owners come back from Stripe's page and from links in e-mails, signed in. What changes
 * anything is posted, which Lax keeps other sites from, and needs a token besides.
 */
export function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { secret }: OpenedSession,
): void {
  void reply.header('set-cookie', `${NAME}=${secret}; ${attributesOf(request)}`);
}

export function clearCookie(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('set-cookie', `${NAME}=; Max-Age=0; ${attributesOf(request)}`);
}

function attributesOf({ protocol }: FastifyRequest): string {
  const secure = protocol === 'https' ? '; Secure' : '';
  return `Path=/; HttpOnly; SameSite=Lax${secure}`;
}

/** What forms of a session carry, so that no other site can post them. Follows from the session's secret. */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('csrf').digest('base64url');
}

export function isCsrfToken(secret: string, token: unknown): boolean {
  const expected = Buffer.from(csrfTokenOf(secret));
  const given = Buffer.from(typeof token === 'string' ? token : '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
