import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problemOf, PROBLEM_TYPE, type Problem } from './problem.ts';

/** Answers what is no HTTP, or does not arrive in time, before there is a request to answer; then hangs up. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, ...problem } = problemOf(new Unreadable(error.code), { id: randomUUID() });
  const body = JSON.stringify({ status, ...problem } satisfies Problem);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

class Unreadable extends Error {
  readonly statusCode: number;

  constructor(code: string | undefined) {
    const [status, message] = FAILURES[code ?? ''] ?? [400, 'this is not a request in HTTP/1.1'];
    super(message);
    this.statusCode = status;
  }
}

const FAILURES: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive within 30 seconds'],
  HPE_HEADER_OVERFLOW: [431, 'the address and the headers have more than 16 kB'],
};
