import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Fault } from '../values/fault.ts';

/** No body of ours needs more; deeper ones only make later work overflow the stack. */
const MAX_DEPTH = 20;

/**
 * Reads JSON bodies of the given types. An empty body is none, whatever its type says. Refused are bytes
 * that are no UTF-8, nesting deeper than 20, and keys that would change an object's prototype.
 */
export function readJsonBodies(server: FastifyInstance, contentTypes: readonly string[]): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  for (const contentType of contentTypes) {
    server.addContentTypeParser<Buffer>(
      contentType,
      { parseAs: 'buffer' },
      (request, body, done) => {
        if (body.length === 0) return done(null, undefined);
        const mistake = encodingMistake(request) ?? mistakeIn(body);
        if (mistake !== undefined) return done(mistake);
        return parse(request, body.toString(), done);
      },
    );
  }
}

/** Compressed bodies could be far bigger than they are sent. */
function encodingMistake({ headers }: FastifyRequest): Fault | undefined {
  const { 'content-encoding': encoding = 'identity' } = headers;
  if (encoding === 'identity') return undefined;
  const message = `the body must be sent as it is, not with content-encoding ${JSON.stringify(encoding)}`;
  return new Fault('invalid', 'encoding_unsupported', message);
}

function mistakeIn(body: Buffer): Fault | undefined {
  if (!isUtf8(body)) {
    return new Fault('invalid', 'body_unreadable', 'the body is not encoded as UTF-8');
  }
  if (depthOf(body) > MAX_DEPTH) {
    const message = `the body is nested more than ${MAX_DEPTH} levels deep`;
    return new Fault('invalid', 'body_too_deep', message);
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** How deep arrays and objects are nested, found before any of them is built. */
function depthOf(json: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index]!;
    if (isInString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (OPENING.has(byte)) deepest = Math.max(deepest, ++depth);
    else if (CLOSING.has(byte)) depth -= 1;
  }
  return deepest;
}
