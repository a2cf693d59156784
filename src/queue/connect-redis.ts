import { Redis } from 'ioredis';
import { Fault } from '../values/fault.ts';

export type QueueRedis = {
  /** Shared by all queues and workers; BullMQ adds one connection for each worker to wait on. */
  readonly client: Redis;
  /** Closes all connections at once, without a word to Redis, which may be away. */
  disconnect(): Promise<void>;
};

/**
 * Connects to a Redis that BullMQ may keep jobs in. Once connected, commands wait through an
 * outage instead of failing.
 *
 * @throws when Redis does not answer, or may evict keys: it would drop jobs without a word.
 */
export async function connectRedis(
  url: string,
  log: (message: string, error: Error) => void,
): Promise<QueueRedis> {
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
    return { client, disconnect: trackConnections(client) };
  } catch (error) {
    client.disconnect();
    if (wasReady) throw error;
    const { hostname, port } = new URL(url);
    const why = lastError?.message ?? String(error);
    const message = `Redis at ${hostname}:${port || '6379'} cannot be reached: ${why}`;
    throw new Fault('unavailable', 'redis_unreachable', message);
  }
}

/**
 * Returns how to end the client and all that BullMQ duplicates from it. BullMQ's own closing says
 * goodbye to Redis first, and while Redis is away its connections try for ever to come back.
 */
function trackConnections(client: Redis): () => Promise<void> {
  const connections = [client];
  const duplicate = client.duplicate.bind(client);
  client.duplicate = (override) => {
    const copy = duplicate(override);
    connections.push(copy);
    return copy;
  };
  return async () => {
    for (const connection of connections) connection.disconnect();
  };
}

function refuseEviction(info: string): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') return;
  throw new Fault(
    'invalid',
    'redis_evicts',
    `Redis has maxmemory-policy ${policy}, so it may throw jobs away when its memory is full. ` +
      'Set it to noeviction (redis-cli config set maxmemory-policy noeviction, and in redis.conf), ' +
      'or use a Redis of its own for the queues.',
  );
}
