import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault, type FaultKind } from '../values/fault.ts';

const STATUS: Readonly<Record<FaultKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
};

/** Answers a fault with its status; everything else is a bug: logged here, and nobody else's business. */
export async function sendFault(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (error instanceof Fault) {
    const { code, message } = error;
    return await reply.status(STATUS[error.kind]).send({ code, message });
  }
  const status = statusOf(error);
  if (status < 500 && error instanceof Error) {
    return await reply.status(status).send({ code: 'bad_request', message: error.message });
  }
  request.log.error({ err: error }, 'request failed');
  return await reply
    .status(500)
    .send({ code: 'internal', message: 'something went wrong on our side' });
}

/** What Fastify itself refuses (too large, not readable) carries its status. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
