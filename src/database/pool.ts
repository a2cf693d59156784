import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { Fault } from '../values/fault.ts';
import { extendQueries } from './extend-queries.ts';
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
  /** Waiting longer for a lock that somebody else holds is an error. Default: wait. */
  readonly lockTimeoutMs?: number;
  /** Waiting longer for a connection is an error. Default: wait. */
  readonly connectionTimeoutMs?: number;
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  readonly log: (message: string, error: Error) => void;
};

/**
 * Opens a pool whose sessions run in UTC and whose results keep exact types: bigint for int8 (also
 * of `count(*)`), text for numeric and date, Date for timestamptz; likewise within arrays.
 */
export function openPool(options: PoolOptions): pg.Pool {
  const settings = {
    timezone: 'UTC',
    // Of disks that do not turn. By the default a table of a few hundred rows is read whole to find one of them, and
    // plans that sessions keep, such as those of foreign keys, go on doing so while it grows.
    random_page_cost: 1.1,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
  };
  const pool = new pg.Pool({
    connectionString: withSettings(options.url, settings),
    max: options.max ?? 10,
    connectionTimeoutMillis: options.connectionTimeoutMs ?? 0,
    application_name: options.applicationName ?? 'gigameter',
    types: { getTypeParser },
  });
  tellOfBreaks(pool, (error) => options.log('an idle database connection broke', error));
  pool.on('connect', extendQueries);
  return pool;
}

/**
 * Tells of connections that break while nobody uses them; the pool replaces them by itself. One that breaks
 * while it is held fails the query under way, or the next one: without a listener of its own it would, between
 * two queries, end the process.
 */
export function tellOfBreaks(pool: pg.Pool, log: (error: Error) => void): void {
  pool.on('error', log);
  pool.on('connect', (client) => client.on('error', () => {}));
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
    throw new Fault(
      'invalid',
      'database_url',
      'The database URL is not of the form postgres://user:password@host:port/name',
    );
  const flags = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `-c ${name}=${value}`);
  const own = result.searchParams.get('options') ?? '';
  // Last one wins in PostgreSQL, so what we rely on cannot be overridden by the URL.
  result.searchParams.set('options', [own, ...flags].join(' ').trim());
  return result.href;
}

const int8 = 20;
const int8Array = 1016;
const date = 1082;
const dateArray = 1182;
const numericArray = 1231;
const textArray: number = 1009;
const parseTextArray: (text: string) => (string | null)[] = pg.types.getTypeParser(textArray);

// Per pool, not global: BullMQ has a pool of its own and expects pg's defaults.
function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === int8) return BigInt;
  if (oid === int8Array) return parseBigints;
  if (oid === date) return String;
  // By default pg makes floats of one and local midnights of the other.
  if (oid === numericArray || oid === dateArray) return parseTextArray;
  return pg.types.getTypeParser(oid, format);
}

function parseBigints(text: string): readonly (bigint | null)[] {
  return parseTextArray(text).map((element) => (element === null ? null : BigInt(element)));
}
