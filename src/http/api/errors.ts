import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../../values/fault.ts';
import { groupBy } from '../../values/group.ts';
import { logFailure, problemOf, retryHeaders, type Problem } from '../problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The CLI reads the errors of this route as a list of texts, not by field. */
    errorsAsList?: true;
  }
}

type Errors = Readonly<Record<string, readonly string[]>>;

/** Which field of a request a fault is about; the others are about the request as a whole. */
const FIELD_OF_CODE: Readonly<Record<string, string>> = {
  app_name_taken: 'unique_name',
  code_wrong: 'confirmation_code',
  email_taken: 'email',
  owner_has_access: 'email',
  password_unfit: 'password',
  password_wrong: 'current_password',
  promo_code_unknown: 'promo_code',
  sign_up_unknown: 'uuid',
  token_invalid: 'token',
};

/** Answers an error in the CLI's shape; what is our own fault is logged, with its stack. */
export async function sendErrors(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const problem = problemOf(error, request);
  logFailure(request, error, problem);
  const errors = errorsOf(error, problem);
  return await reply
    .headers(retryHeaders(error, problem))
    .status(statusOf(problem))
    .send({ errors: request.routeOptions.config.errorsAsList ? listOf(errors) : errors });
}

export async function sendUnknown(
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path] = request.url.split('?');
  const message = `gigameter has no ${request.method} ${path}: it keeps accounts, scale, databases, jobs, usage, invoices and cards. Everything else is the platform's.`;
  return await sendErrors(new Fault('not_found', 'not_found', message), request, reply);
}

/** The CLI knows no 409: a change that may not be made is one that cannot be processed. */
function statusOf({ status }: Problem): number {
  return status === 409 ? 422 : status;
}

function errorsOf(error: unknown, { errors, code, detail }: Problem): Errors {
  if (error instanceof Fault) return { [FIELD_OF_CODE[code] ?? '']: [detail] };
  if (errors === undefined) return { '': [detail] };
  // Named by the part of the request first: body.size.
  const byField = groupBy(errors, ({ field }) => field.split('.').slice(1).join('.'));
  const textOf = ({ value = '', message }: (typeof errors)[number]): string =>
    value === '' ? message : `${message}, not ${value}`;
  return Object.fromEntries([...byField].map(([name, found]) => [name, found.map(textOf)]));
}

function listOf(errors: Errors): string[] {
  return Object.entries(errors).flatMap(([field, texts]) =>
    texts.map((text) => (field === '' ? text : `${field} ${text}`)),
  );
}
