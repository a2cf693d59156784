import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { openPool } from '../../src/database/pool.ts';
import { startLocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { startServing } from '../../test/support/serving.ts';
import { format, type Figure } from '../figures.ts';
import { wallMs } from '../measure.ts';
import { newOracle } from '../oracle.ts';
import { openClients } from '../post-events.ts';
import { seeded } from '../random.ts';
import { accountReports, END, scaleReports, SIGNED_UP, type Report } from '../reports.ts';
import type { Scenario, Size } from '../scenario.ts';
import type { Servers } from '../servers.ts';

const EVENTS: Readonly<Record<Size, number>> = {
  small: 10_000,
  default: 150_000,
  large: 10_000_000,
};
const ACCOUNTS = 500;
const BATCH = 500;
const MOST_MB = 200;

/** As it runs in production: as README says, since without a limit V8 lets garbage lie until 300 MB are full. */
const BUILT = ['--max-old-space-size=512', 'dist/src/main.js'];

/**
 * A whole process, built, with Stripe outside of it: how soon it serves, and what memory it needs while events come
 * in for long.
 */
export const wholeProcess: Scenario = {
  name: 'h',
  about: 'start of the process, and its memory while events come in',
  run: async (servers, size) => {
    execFileSync('npm', ['run', '-s', 'build']);
    return [...(await starts()), ...(await memory(servers, EVENTS[size]))];
  },
};

async function starts(): Promise<Figure[]> {
  const folder = path.resolve('.data', `bench-start-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const dataDir = path.join(folder, 'postgres');
  const first = await wallMs(async () => {
    const { child, url } = await startServing({ DATA_DIR: folder }, BUILT);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const warm = await wallMs(async () => {
    const postgres = await startEmbeddedPostgres({ dataDir });
    const pool = openPool({ url: postgres.url, max: 1, log: console.error });
    await pool.query('select 1');
    await pool.end();
    await postgres.stop();
  });
  await rm(folder, { recursive: true, force: true });
  return [
    {
      scenario: 'h',
      what: 'first start on an empty folder until ready, and the stop; of 5 s',
      measured: `${format(first)} ms`,
      limit: '5000 ms',
      ratio: first / 5000,
      target: { atMost: 1 },
    },
    {
      scenario: 'h',
      what: 'embedded PostgreSQL started again, one query, the stop; of 0.5 s',
      measured: `${format(warm)} ms`,
      limit: '500 ms',
      ratio: warm / 500,
      target: { atMost: 1 },
    },
  ];
}

async function memory(servers: Servers, events: number): Promise<Figure[]> {
  const { url: databaseUrl, db, drop } = await servers.makeDatabase();
  const stripe = await startLocalStripe({ clock: () => new Date(), environment: 'test' });
  const settings = {
    DATABASE_URL: databaseUrl,
    RATE_LIMIT_OPERATOR_KEY: '100000000',
    STRIPE_API_KEY: 'sk_test_bench',
    STRIPE_API_BASE: stripe.url,
    STRIPE_WEBHOOK_SECRETS: 'whsec_bench',
  };
  const { child, url } = await startServing(settings, BUILT);
  const prepare = await openClients(db, url, { clients: 4, batch: BATCH });
  const random = seeded(4);
  const oracle = newOracle();
  const send = async (reports: readonly Report[]): Promise<void> => {
    oracle.heard(reports);
    await prepare(reports)();
  };
  await send(accountReports(random, 0, ACCOUNTS));
  const peaks: number[] = [];
  const parts = 10;
  for (let part = 0; part < parts; part++) {
    const from = SIGNED_UP + Math.floor(((END - SIGNED_UP) * part) / parts);
    const to = SIGNED_UP + Math.floor(((END - SIGNED_UP) * (part + 1)) / parts);
    await send(scaleReports(random, events / parts, { from: 0, to: ACCOUNTS }, [from, to]));
    peaks.push(residentMb(child.pid!));
  }
  await oracle.check(db);
  child.kill('SIGTERM');
  await once(child, 'exit');
  await stripe.close();
  await drop();
  const early = Math.max(...peaks.slice(0, parts / 2));
  const late = Math.max(...peaks.slice(parts / 2));
  return [
    {
      scenario: 'h',
      what: `memory in the second half of ${events} events, of the first`,
      measured: `${format(late)} MB`,
      limit: `${format(early)} MB`,
      ratio: late / early,
      target: { atMost: 1.2 },
    },
    {
      scenario: 'h',
      what: `most memory of a process that serves and records, of ${MOST_MB} MB`,
      measured: `${format(Math.max(early, late))} MB`,
      limit: `${MOST_MB} MB`,
      ratio: Math.max(early, late) / MOST_MB,
      target: { atMost: 1 },
    },
  ];
}

/** Resident memory as the kernel counts it. */
function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line![1]) / 1000;
}
