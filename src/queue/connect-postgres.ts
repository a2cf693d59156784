import { runMigrations } from 'bullmq';
import pg from 'pg';
import { tellOfBreaks, withSettings } from '../database/pool.ts';

/** One pool for all queues and workers of a process, not one each: connections are dear. */
export type QueuePool = {
  readonly pool: pg.Pool;
  /** Makes room for one more worker: each keeps a connection for itself, to LISTEN on. */
  addWorker(): void;
};

/** Connects to the database and makes or updates BullMQ's tables in their schema, `bullmq`. */
export async function connectPostgres(
  url: string,
  max: number,
  log: (message: string, error: Error) => void,
): Promise<QueuePool> {
  const pool = new pg.Pool({
    connectionString: withSettings(url, { search_path: 'bullmq,public' }),
    max,
    application_name: 'gigameter queues',
    // Workers wait for hours on their connection; without this a silent loss goes unnoticed.
    keepAlive: true,
  });
  // Every queue and worker listens for the pool's errors.
  pool.setMaxListeners(0);
  tellOfBreaks(pool, (error) => log('an idle connection of the queues broke', error));
  try {
    await migrateQueues(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const addWorker = (): void => {
    pool.options.max += 1;
  };
  return { pool, addWorker };
}

async function migrateQueues(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
  }
}
