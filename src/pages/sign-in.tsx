import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { VNode } from 'preact';
import { z } from 'zod';
import {
  endSession,
  openSessionByKey,
  openSessionByLink,
  type OpenedSession,
} from '../login/session-store.ts';
import { findSignInLink, type SignIn } from '../login/sign-in-link.ts';
import type { PagesDependencies } from './dependencies.ts';
import { Page, sendPage } from './html/page.tsx';
import { Name } from './html/text.tsx';
import { accountPath } from './paths.ts';
import { clearCookie, isCsrfToken, readCookie, setCookie } from './session/cookie.ts';
import { foreignForm, requireOwnSite } from './session/guard.ts';

/** Per minute and address: for people generous, for guessing 32 random bytes nothing. */
const MOST_TRIES = 30;

const signInBody = z.object({ key: z.string().trim().max(200), next: z.string().optional() });
const text = z.string().max(2000).optional().catch(undefined);
// In the query, not the path: paths are logged.
const signInQuery = z.object({ next: text, token: text });
const linkBody = z.object({ token: z.string().max(200) });
const signOutBody = z.object({ csrf: z.string() });

/**
 * Signing in by an API key or by a link. Opening a link asks first: programs that look at links in messages
 * would use it up otherwise.
 */
export function addSignIn(
  server: FastifyInstance,
  { db, clock }: Pick<PagesDependencies, 'db' | 'clock'>,
): void {
  const config = { rateLimit: { max: MOST_TRIES, timeWindow: 60_000 } };
  const enter = async (
    request: FastifyRequest,
    reply: FastifyReply,
    session: OpenedSession,
    next?: string,
  ): Promise<void> => {
    setCookie(request, reply, session);
    await reply.redirect(isOurs(next) ? next : startOf(session.accountId), 303);
  };
  server.get('/sign-in', async (request, reply) => {
    const { next, token } = signInQuery.parse(request.query);
    if (token === undefined) return await sendPage(reply, <SignInPage next={next} />);
    const link = await findSignInLink(db, clock(), token);
    if (link === undefined) return await sendUsedUp(reply);
    // The token must not travel on in the Referer of anything this page leads to.
    void reply.header('referrer-policy', 'no-referrer');
    await sendPage(reply, <LinkPage link={link} token={token} />);
  });
  server.post('/sign-in', { config }, async (request, reply) => {
    requireOwnSite(request);
    const { key, next } = signInBody.parse(request.body);
    const session = await openSessionByKey(db, clock(), key);
    if (session !== undefined) return await enter(request, reply, session, next);
    const refusal = 'This key is unknown, expired or revoked.';
    await sendPage(reply, <SignInPage next={next} refusal={refusal} />, 401);
  });
  server.post('/sign-in/link', { config }, async (request, reply) => {
    requireOwnSite(request);
    const { token } = linkBody.parse(request.body);
    const session = await openSessionByLink(db, clock(), token);
    if (session !== undefined) return await enter(request, reply, session);
    await sendUsedUp(reply);
  });
  server.post('/sign-out', async (request, reply) => {
    const secret = readCookie(request);
    const { csrf } = signOutBody.parse(request.body);
    if (secret !== undefined) {
      if (!isCsrfToken(secret, csrf)) throw foreignForm();
      await endSession(db, clock(), secret);
    }
    clearCookie(request, reply);
    await reply.redirect('/sign-in', 303);
  });
}

export function startOf(accountId: string | undefined): string {
  return accountId === undefined ? '/operator' : accountPath(accountId);
}

/** No other site, also not by `//elsewhere` or a backslash. */
function isOurs(next: string | undefined): next is string {
  return next !== undefined && /^\/(account|operator)(\/[^\\]*)?$/.test(next);
}

async function sendUsedUp(reply: FastifyReply): Promise<void> {
  const refusal = 'This link was used already or is too old. Please ask for another one.';
  await sendPage(reply, <SignInPage refusal={refusal} />, 401);
}

function SignInPage({
  next,
  refusal,
}: {
  readonly next?: string | undefined;
  readonly refusal?: string;
}): VNode {
  return (
    <Page title="Sign in">
      <div class="narrow">
        <h1>Sign in</h1>
        {refusal === undefined ? null : (
          <p class="alert bad" role="alert">
            {refusal}
          </p>
        )}
        <form method="post" action="/sign-in" class="stack">
          <label>
            API key
            <input
              name="key"
              type="password"
              required
              autocomplete="current-password"
              placeholder="gm_…"
            />
          </label>
          {next === undefined ? null : <input type="hidden" name="next" value={next} />}
          <button>Sign in</button>
        </form>
        <p class="note">
          Or open a sign-in link: operators make one with <code>gigameter sign-in ACCOUNT</code>.
        </p>
      </div>
    </Page>
  );
}

function LinkPage({
  link: { accountId, actor },
  token,
}: {
  readonly link: SignIn;
  readonly token: string;
}): VNode {
  return (
    <Page title="Sign in">
      <div class="narrow">
        <h1>Sign in</h1>
        <p>
          This link signs you in as{' '}
          {accountId === undefined ? (
            <>
              operator <Name>{actor}</Name>
            </>
          ) : (
            <>
              account <Name>{accountId}</Name>
            </>
          )}
          . It works once.
        </p>
        <form method="post" action="/sign-in/link" class="stack">
          <input type="hidden" name="token" value={token} />
          <button>Continue</button>
        </form>
      </div>
    </Page>
  );
}
