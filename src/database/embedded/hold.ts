import pg from 'pg';

/** A session that keeps other processes from stopping the server while this one uses it. */
export type Hold = {
  /** Settles when the session ended, whoever ended it. Never rejects. */
  readonly ended: Promise<void>;
  /** Gives the hold back. True when nobody else holds the server; nobody can then take it again. */
  releaseAsLast(): Promise<boolean>;
  end(): Promise<void>;
};

/**
 * Takes a share of the server: an advisory lock held by an open connection. The system drops it
 * when a process dies, however it dies, so there is nothing to go stale.
 *
 * @returns null while the server cannot be had: starting, stopping, or gone.
 * @throws for anything that waiting would not cure, such as a wrong password.
 */
export async function takeHold(url: string): Promise<Hold | null> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'gigameter (keeps the embedded PostgreSQL)',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
    // Losing the server also arrives as an error; what it means is decided where `ended` is used.
    client.on('error', () => resolve());
  });
  try {
    await client.connect();
    if (await lock(client, 'pg_try_advisory_lock_shared')) return holdOf(client, ended);
  } catch (error) {
    await client.end();
    if (isPassing(error)) return null;
    throw error;
  }
  await client.end();
  return null;
}

// Any constant will do; it is looked at in the server's own database `postgres` only.
const holdKey = 47_110_815;

function holdOf(client: pg.Client, ended: Promise<void>): Hold {
  return {
    ended,
    releaseAsLast: async () => {
      await client.query('select pg_advisory_unlock_shared($1)', [holdKey]);
      return await lock(client, 'pg_try_advisory_lock');
    },
    end: async () => await client.end(),
  };
}

async function lock(
  client: pg.Client,
  take: 'pg_try_advisory_lock' | 'pg_try_advisory_lock_shared',
): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`select ${take}($1) as taken`, [holdKey]);
  return rows[0]?.taken === true;
}

function isPassing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // 57P01 to 57P03: the server is shutting down, crashed and recovers, or is starting up.
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P01', '57P02', '57P03'].includes(code))
    return true;
  return error instanceof Error && error.message.includes('Connection terminated');
}
