import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { openDatabase, openPool, type PoolOptions } from '../database/pool.ts';
import { retrySchedule } from '../dunning/retry-schedule.ts';
import { protectAccountTables, readerOf } from '../database/row-level-security.ts';
import { makeHttpServer, type HttpServer } from '../http/server.ts';
import { recorderWithin, type RecordEvents, type Recording } from '../metering/record-events.ts';
import type { QueueView } from '../pages/dependencies.ts';
import { pageRoutes } from '../pages/routes.tsx';
import { connectCounters } from '../queue/connect-counters.ts';
import { receiveWebhook } from '../stripe/news/receive-webhook.ts';
import type { Clock } from '../values/clock.ts';
import type { OpenDatabase } from './open-database.ts';
import type { OpenStripe } from './open-stripe.ts';

/** A read that takes longer is given up: everything is indexed, so something is wrong. */
const READ_TIMEOUT_MS = 5_000;
/** A command waits so long for its account while others work on it, such as a close; then it is to come again. */
const LOCK_WAIT_MS = 5_000;
const CONNECTION_WAIT_MS = 10_000;
/** Looking up a key takes a fraction of a millisecond. */
const MOST_KEY_CONNECTIONS = 3;

const UNPROTECTED =
  'row-level security is not in force: the database user may not make the role gigameter_account. ' +
  'Have an administrator run "create role gigameter_account nologin; grant gigameter_account to <user>" ' +
  'and start again; until then accounts are kept apart by the queries alone.';

/**
 * The HTTP server, not listening yet. Keys, reads and commands have a pool each, and each bounds how long it is
 * waited for: slow reads never hold up what is being recorded, and commands that wait for a busy account hold
 * up nobody else.
 */
export async function openHttp(
  config: Pick<Config, 'http' | 'maxReplicas' | 'redisUrl'> & {
    readonly stripe: Pick<Config['stripe'], 'paymentAttemptDays'>;
  },
  {
    database: { db, pool, url },
    recording,
    record,
    clock,
    log,
    stripe,
    queues,
  }: {
    readonly database: OpenDatabase;
    readonly recording: Recording;
    readonly record: RecordEvents;
    readonly clock: Clock;
    readonly log: Logger;
    /** Opened after the server listens. */
    readonly stripe: () => OpenStripe;
    /** For people to look at. */
    readonly queues?: QueueView;
  },
): Promise<HttpServer> {
  const isProtected = await protectAccountTables(pool);
  if (!isProtected) log.warn(UNPROTECTED);
  const openOwn = (use: string, options: Omit<PoolOptions, 'url' | 'log'>) =>
    openPool({
      url,
      applicationName: `gigameter-${use}`,
      connectionTimeoutMs: CONNECTION_WAIT_MS,
      log: (message, err) => log.warn({ err }, message),
      ...options,
    });
  const pools = {
    keys: openOwn('keys', { max: MOST_KEY_CONNECTIONS, statementTimeoutMs: READ_TIMEOUT_MS }),
    reads: openOwn('reads', { statementTimeoutMs: READ_TIMEOUT_MS }),
    commands: openOwn('commands', { lockTimeoutMs: LOCK_WAIT_MS }),
  };
  const keysDb = openDatabase(pools.keys);
  const commandsDb = openDatabase(pools.commands);
  const counters =
    config.redisUrl === undefined
      ? undefined
      : connectCounters(config.redisUrl, (message, err) => log.warn({ err }, message));
  const commands = {
    db: commandsDb,
    clock,
    record: recorderWithin(recording),
    limits: { maxReplicas: config.maxReplicas },
  };
  const readAs = readerOf(openDatabase(pools.reads), isProtected);
  const openStripe = () => ({
    db: commandsDb,
    clock,
    gateway: stripe().gateway,
    wait: async (ms: number) => await sleep(ms),
    retryAt: retrySchedule(config.stripe.paymentAttemptDays),
  });
  const { rateLimits } = config.http;
  const server = await makeHttpServer({
    log,
    checkReady: async () => {
      await sql`select 1`.execute(keysDb);
      return isProtected ? [] : [UNPROTECTED];
    },
    receiveWebhook: async (body, signature) => {
      const { webhookSecrets: secrets, isLive } = stripe();
      await receiveWebhook({ db, clock, secrets, isLive }, body, signature);
    },
    v1: {
      keysDb,
      db: commandsDb,
      clock,
      rateLimits,
      readAs,
      commands,
      limits: commands.limits,
      recordEvents: record,
      openStripe,
    },
    api: { keysDb, commands, readAs, rateLimits, openStripe },
    pages: pageRoutes({ db, clock, readAs, commands, openStripe, queues }),
    trustedProxies: config.http.trustedProxies,
    ...(counters === undefined ? {} : { redis: counters.client }),
  });
  server.addHook('onClose', async () => {
    counters?.disconnect();
    await Promise.all(Object.values(pools).map(async (own) => await own.end()));
  });
  return server;
}
