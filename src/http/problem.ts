import type { FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { isDatabaseUnavailable, isLockTimeout } from '../database/unavailable.ts';
import { Fault, type FaultKind } from '../values/fault.ts';
import {
  describeMistake,
  mistakesIn,
  type Findings,
  type Mistake,
  type Request,
} from './mistakes.ts';

/** What is answered instead of a result: RFC 9457 problem details. `code` is stable, for programs. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  /** What was wrong with which part of the request. */
  readonly errors?: readonly Mistake[];
};

export const PROBLEM_TYPE = 'application/problem+json';

const STATUS_OF_KIND: Readonly<Record<FaultKind, number>> = {
  invalid: 422,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
};

/** Where HTTP knows a finer status than the kind of fault. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  scope_missing: 403,
  body_unreadable: 400,
  body_too_deep: 400,
  too_many_events: 413,
  encoding_unsupported: 415,
  webhook_not_signed: 400,
  webhook_unreadable: 400,
  webhook_wrong_mode: 400,
  webhook_wrong_account: 400,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  408: 'Too slow',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Invalid request',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  503: 'Unavailable',
};

/** What Fastify itself refuses, by its status. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  404: 'not_found',
  408: 'request_timeout',
  413: 'body_too_large',
  415: 'media_type_unsupported',
  431: 'headers_too_large',
};

/**
 * The problem an error is for the caller. Everything that is neither a fault nor refused by Fastify is a bug
 * (status 500), whose details are nobody else's business.
 */
export function problemOf(error: unknown, request: Request & { readonly id: string }): Problem {
  const requestId = request.id;
  if (error instanceof Fault) {
    const status = STATUS_OF_CODE[error.code] ?? STATUS_OF_KIND[error.kind];
    return problem(status, error.code, error.message, requestId);
  }
  if (hasZodFastifySchemaValidationErrors(error)) return validationProblem(error, request);
  if (isLockTimeout(error)) {
    const detail = 'others are at work on this account right now: please try the same again';
    return problem(503, 'account_busy', detail, requestId);
  }
  if (isDatabaseUnavailable(error)) {
    const detail = 'the database cannot answer right now: please try the same again';
    return problem(503, 'database_unavailable', detail, requestId);
  }
  const status = statusOf(error);
  if (status < 500 && error instanceof Error) {
    return problem(status, CODE_OF_STATUS[status] ?? 'bad_request', error.message, requestId);
  }
  return problem(500, 'internal', 'something went wrong on our side', requestId);
}

/** Seconds after which the same request may succeed, where nobody knows better. */
const RETRY_AFTER_SECONDS = 5;

/** What is our own fault is logged with its stack; what was not to be had for a while needs nobody's attention. */
export function logFailure(request: FastifyRequest, err: unknown, { status }: Problem): void {
  if (status === 503) request.log.warn({ err }, 'request put off');
  else if (status >= 500) request.log.error({ err }, 'request failed');
}

/** Tells whoever came too fast, or while something is away, when to come again. */
export function retryHeaders(error: unknown, { status }: Problem): Record<string, number> {
  if (status !== 429 && status !== 503) return {};
  const known = error instanceof Fault ? error.retryAfterSeconds : undefined;
  return { 'retry-after': Math.max(1, known ?? RETRY_AFTER_SECONDS) };
}

function problem(status: number, code: string, detail: string, requestId: string): Problem {
  const title = TITLES[status] ?? 'Refused';
  const type = `urn:gigameter:problem:${code}`;
  return { type, title, status, detail, code, request_id: requestId };
}

function validationProblem(
  findings: Findings,
  request: Request & { readonly id: string },
): Problem {
  const { mistakes, more } = mistakesIn(findings, request);
  const rest = more === 0 ? [] : [`and ${more} more`];
  const detail = [...mistakes.map(describeMistake), ...rest].join('; ');
  return { ...problem(422, 'invalid_request', detail, request.id), errors: mistakes };
}

/** What Fastify itself refuses (too large, not readable) carries its status. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
