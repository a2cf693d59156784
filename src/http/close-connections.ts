import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** A connection just opened has its first request on the way. */
const FIRST_REQUEST_MS = 1_000;
/** Less than the process waits before it ends itself. */
const LAST_ANSWER_MS = 15_000;

/**
 * Lets `server.close()` end soon without cutting anybody off: what is under way is answered, and told to come
 * back on another connection. Node by itself closes only those that idle when it begins: a connection whose
 * answer comes later, or that was opened and never used, would hold it until the client gives up.
 */
export function closeConnections(server: FastifyInstance): void {
  const unused = new Set<Socket>();
  const timers: NodeJS.Timeout[] = [];
  let isClosing = false;
  server.server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.server.on('request', ({ socket }) => unused.delete(socket));
  server.addHook('onSend', async (_request, reply) => {
    if (isClosing) void reply.header('connection', 'close');
  });
  server.addHook('preClose', async () => {
    isClosing = true;
    timers.push(
      setTimeout(() => unused.forEach((socket) => socket.destroy()), FIRST_REQUEST_MS),
      setTimeout(() => server.server.closeAllConnections(), LAST_ANSWER_MS),
    );
  });
  server.addHook('onClose', async () => timers.forEach(clearTimeout));
}
