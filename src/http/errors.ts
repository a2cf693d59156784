import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../values/fault.ts';
import { sendErrors } from './api/errors.ts';
import { logFailure, problemOf, PROBLEM_TYPE, retryHeaders } from './problem.ts';

/** Answers an error as problem details; what is our own fault is logged, with its stack. */
export async function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const problem = problemOf(error, request);
  logFailure(request, error, problem);
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply.headers(retryHeaders(error, problem));
  return await reply.status(problem.status).type(PROBLEM_TYPE).send(problem);
}

export async function sendNotFound(
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return await sendProblem(unknownAddress(request), request, reply);
}

export function unknownAddress({ method, url }: FastifyRequest): Fault {
  return new Fault('not_found', 'not_found', `there is no ${method} ${url.split('?')[0]}`);
}

/** Answers for what is no address at all, which no route and no hook ever sees. */
export async function sendUnroutable(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  void reply.headers({
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  });
  const send = request.url.startsWith('/api/') ? sendErrors : sendProblem;
  return await send(error, request, reply);
}
