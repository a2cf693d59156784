import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { nameStatements } from './prepared.ts';
import type { DB } from './tables.ts';

export type Database = DB;

/** A connection pool or a transaction: what stores and verbs run their statements on. */
export type Db = Kysely<Database>;

export type PoolOptions = {
  readonly url: string;
  /** Most connections at once; more callers wait. Default 10. */
  readonly max?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  /** A statement running longer is cancelled with an error. Default: never. */
  readonly statementTimeoutMs?: number;
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  readonly log: (message: string, error: Error) => void;
};

/**
 * Opens a pool whose sessions run in UTC and whose results keep exact types: bigint for int8 (also
 * of `count(*)`), text for numeric and date, Date for timestamptz.
 */
export function openPool(options: PoolOptions): pg.Pool {
  const settings = { timezone: 'UTC', statement_timeout: options.statementTimeoutMs };
  const pool = new pg.Pool({
    connectionString: withSettings(options.url, settings),
    max: options.max ?? 10,
    application_name: options.applicationName ?? 'gigameter',
    types: { getTypeParser },
  });
  pool.on('error', (error) => options.log('an idle database connection broke', error));
  pool.on('connect', nameStatements);
  return pool;
}

/** Ending the pool is up to who opened it; `destroy()` of the result would end it too. */
export function openDatabase(pool: pg.Pool): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

/** The same URL, with settings every session starts with; settings of the URL itself stay. */
export function withSettings(
  url: string,
  settings: Readonly<Record<string, string | number | undefined>>,
): string {
  const result = URL.canParse(url) ? new URL(url) : null;
  // Not the URL parser's own error: that one carries the whole URL, password included.
  if (!result)
    throw new Error('The database URL is not of the form postgres://user:password@host:port/name');
  const flags = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `-c ${name}=${value}`);
  const own = result.searchParams.get('options') ?? '';
  // Last one wins in PostgreSQL, so what we rely on cannot be overridden by the URL.
  result.searchParams.set('options', [own, ...flags].join(' ').trim());
  return result.href;
}

const int8 = 20;
const date = 1082;

// Per pool, not global: BullMQ has pools of its own and expects pg's defaults.
function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === int8) return BigInt;
  if (oid === date) return String;
  return pg.types.getTypeParser(oid, format);
}
