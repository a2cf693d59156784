import { Redis } from 'ioredis';

const TIMEOUT_MS = 500;

/**
 * Connects to the Redis that rate limits are counted in, for all processes. Commands fail at once while it is
 * away, so that no request waits for it; the queues' connections wait instead.
 */
export function connectCounters(
  url: string,
  log: (message: string, error: Error) => void,
): { readonly client: Redis; readonly disconnect: () => void } {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
  });
  client.on('error', (error) => log('requests are not limited while Redis is away', error));
  return { client, disconnect: () => client.disconnect() };
}
