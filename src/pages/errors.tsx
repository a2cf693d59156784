import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VNode } from 'preact';
import { ZodError } from 'zod';
import { isDatabaseUnavailable } from '../database/unavailable.ts';
import { Fault, type FaultKind } from '../values/fault.ts';
import { Page, sendPage } from './html/page.tsx';
import { Name, withStop } from './html/text.tsx';

const STATUS_OF_KIND: Readonly<Record<FaultKind, number>> = {
  invalid: 422,
  unauthorized: 403,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
};

const TITLES: Readonly<Record<FaultKind, string>> = {
  invalid: 'That cannot be right',
  unauthorized: 'Not allowed',
  not_found: 'Not found',
  conflict: 'That cannot be done',
  limited: 'Too many requests',
  unavailable: 'Not right now',
};

/** Answers errors as pages; who is not signed in is asked to, and comes back to where they were. */
export async function sendErrorPage(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const fault = faultOf(error);
  if (fault?.code === 'signed_out') {
    const next = request.method === 'GET' ? `?next=${encodeURIComponent(request.url)}` : '';
    await reply.redirect(`/sign-in${next}`, 303);
    return;
  }
  if (fault === undefined) request.log.error({ err: error }, 'a page failed');
  const title = fault === undefined ? 'Something went wrong on our side' : TITLES[fault.kind];
  const detail =
    fault?.message ?? `Please try again. Tell us this number if it goes on: ${request.id}`;
  const status = fault === undefined ? 500 : STATUS_OF_KIND[fault.kind];
  await sendPage(reply, <ErrorPage request={request} title={title} detail={detail} />, status);
}

function ErrorPage({
  request: { viewer },
  title,
  detail,
}: {
  readonly request: FastifyRequest;
  readonly title: string;
  readonly detail: string;
}): VNode {
  return (
    <Page title={title} viewer={viewer ?? undefined}>
      <div class="narrow">
        <h1>{title}</h1>
        <p>
          <Name>{sentence(detail)}</Name>
        </p>
        <p>
          <a href="/">To the start</a>
        </p>
      </div>
    </Page>
  );
}

/** What Fastify itself refuses (too large, not readable) carries its status. */
function faultOf(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  if (error instanceof ZodError) {
    const [issue] = error.issues;
    const message = `${issue!.path.join('.')}: ${issue!.message}`;
    return new Fault('invalid', 'bad_request', message);
  }
  if (isDatabaseUnavailable(error)) {
    return new Fault('unavailable', 'database_unavailable', 'the database cannot answer right now');
  }
  const isRefused =
    error instanceof Error &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode < 500;
  return isRefused ? new Fault('invalid', 'bad_request', error.message) : undefined;
}

function sentence(text: string): string {
  return withStop(text.charAt(0).toUpperCase() + text.slice(1));
}
