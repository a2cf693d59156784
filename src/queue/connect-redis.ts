import { Redis } from 'ioredis';

/**
 * Connects to a Redis that BullMQ may keep jobs in. Once connected, commands wait through an
 * outage instead of failing.
 *
 * @throws when Redis does not answer, or may evict keys: it would drop jobs without a word.
 */
export async function connectRedis(
  url: string,
  log: (message: string, error: Error) => void,
): Promise<Redis> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null });
  let lastError: Error | undefined;
  client.on('error', (error) => {
    lastError = error;
    if (wasReady) log('connection to Redis', error);
  });
  let wasReady = false;
  try {
    await client.connect();
    wasReady = true;
    refuseEviction(await client.info('memory'));
    return client;
  } catch (error) {
    client.disconnect();
    if (wasReady) throw error;
    const { hostname, port } = new URL(url);
    const why = lastError?.message ?? String(error);
    throw new Error(`Redis at ${hostname}:${port || '6379'} cannot be reached: ${why}`, {
      cause: error,
    });
  }
}

function refuseEviction(info: string): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') return;
  throw new Error(
    `Redis has maxmemory-policy ${policy}, so it may throw jobs away when its memory is full. ` +
      'Set it to noeviction (redis-cli config set maxmemory-policy noeviction, and in redis.conf), ' +
      'or use a Redis of its own for the queues.',
  );
}
