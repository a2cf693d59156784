import { sql } from 'kysely';
import type { Db } from '../../src/database/pool.ts';
import { format, type Figure } from '../figures.ts';
import { wallMs } from '../measure.ts';
import { accountName, SIGNED_UP } from '../reports.ts';
import type { Scenario, Size } from '../scenario.ts';
import type { Servers } from '../servers.ts';
import { closeWithHistory } from './close-with-history.ts';
import { checkTotals, closeAll, FIRST_ACCOUNTS, PERIOD_END } from './closing.ts';

/** How many accounts, and how often: the middle one counts. What takes half a minute evens out by itself. */
const CLOSINGS: Readonly<Record<Size, readonly (readonly [accounts: number, times: number])[]>> = {
  small: [
    [200, 3],
    [1_000, 3],
  ],
  default: [
    [1_000, 3],
    [10_000, 3],
    [100_000, 1],
  ],
  large: [
    [1_000, 3],
    [10_000, 3],
    [100_000, 3],
  ],
};
const APPS = 3;

/**
 * Closing a month without Stripe: checkpoints, prices, invoices, ledger. Beside it, reading the same series
 * once, and writing the same rows by plain INSERT … SELECT and UPDATE into tables with the same indexes, checks
 * and foreign keys, which nothing that writes them can beat; once more without foreign keys, which ask a row of
 * another table for each row. The first closing of all is not counted: it is the compiler's; nor is the first in
 * each database, where new connections read catalogs and plan: those of a service did so long ago.
 */
export const close: Scenario = {
  name: 'e',
  about: 'closing a month, against a scan of the series and the bare writes',
  run: async (servers, size) => {
    await closeMonth(servers, CLOSINGS[size][1]![0]);
    const closings: Closing[] = [];
    for (const [accounts, times] of CLOSINGS[size]) {
      const repeats: Closing[] = [];
      for (let i = 0; i < times; i += 1) repeats.push(await closeMonth(servers, accounts));
      repeats.sort((a, b) => a.closeMs / a.bareMs - b.closeMs / b.bareMs);
      closings.push(repeats[times >> 1]!);
    }
    return [
      ...closings.flatMap((closing) => figuresOf(closing, closings[0]!)),
      ...(await closeWithHistory(servers, size)),
    ];
  },
};

/** As accounts are named by `accountName`. */
const MEASURED = 'acct';
const IS_MEASURED = sql`account_id like ${sql.lit(`${MEASURED}-%`)}`;

type Closing = {
  readonly accounts: number;
  readonly closeMs: number;
  readonly scanMs: number;
  readonly bareMs: number;
  readonly bareWithoutKeysMs: number;
};

async function closeMonth(servers: Servers, accounts: number): Promise<Closing> {
  const { db, pool, drop } = await servers.makeDatabase();
  await seedAccounts(db, 'first', FIRST_ACCOUNTS);
  await closeAll(db, FIRST_ACCOUNTS);
  await seedAccounts(db, MEASURED, accounts);
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
  const scanMs = await wallMs(async () => {
    await sql`select sum(level), sum(offset_units), max(last_at) from series`.execute(db);
  });
  const closeMs = await wallMs(async () => await closeAll(db, accounts));
  await checkTotals(db, unitsOf(accounts));
  const bareWithoutKeysMs = await writeBare(db, 'bare', []);
  const bareMs = await writeBare(db, 'keyed', await foreignKeys(db));
  await drop();
  return { accounts, closeMs, scanMs, bareMs, bareWithoutKeysMs };
}

/** Each account runs three apps from its first second on, at levels of its own. */
async function seedAccounts(db: Db, name: string, accounts: number): Promise<void> {
  await sql`
    insert into account (account_id, email, signed_up_at, confirmed_at, upgraded_at, next_close_at, last_cut_at)
    select ${name}::text || '-' || lpad(number::text, 6, '0'), number || '@platform.example', ${SIGNED_UP}, ${SIGNED_UP},
      ${SIGNED_UP}, ${PERIOD_END}, ${SIGNED_UP}
    from generate_series(1, ${accounts}::int) as number`.execute(db);
  await sql`
    insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at, last_at)
    select account_id, 'app', 'app-' || app, 0, level, -level * at, at, at
    from account, generate_series(1, ${APPS}::int) as app,
      lateral (select (number + app) % 50 as level, ${SIGNED_UP}::bigint + app as at
        from (select split_part(account_id, '-', 2)::bigint as number) numbered) first
    where account_id like ${name}::text || '-%'`.execute(db);
}

/** Of the seeded accounts in their month, in tenths of replica-size-seconds. */
function unitsOf(accounts: number): Map<string, bigint> {
  return new Map(
    Array.from({ length: accounts }, (_, index) => {
      const number = index + 1;
      let units = 0n;
      for (let app = 1; app <= APPS; app++) {
        units += BigInt((number + app) % 50) * BigInt(PERIOD_END - SIGNED_UP - app);
      }
      return [accountName(number), units];
    }),
  );
}

const WRITTEN = ['checkpoint', 'billing_period', 'invoice', 'invoice_line', 'ledger_entry'];

type ForeignKey = { readonly of: string; readonly definition: string };

/** Of the tables that a close writes to, each other's. */
async function foreignKeys(db: Db): Promise<readonly ForeignKey[]> {
  const { rows } = await sql<ForeignKey>`
    select conrelid::regclass::text as of, pg_get_constraintdef(oid) as definition from pg_constraint
    where contype = 'f' and conrelid::regclass::text = any(${WRITTEN}::text[])`.execute(db);
  return rows;
}

/** Writes what was written once more, in order, into copies of the tables; takes so long. */
async function writeBare(db: Db, prefix: string, keys: readonly ForeignKey[]): Promise<number> {
  const copyOf = (table: string) => sql.table(`${prefix}_${table}`);
  for (const table of [...WRITTEN, 'account']) {
    await sql`create table ${copyOf(table)} (like ${sql.table(table)} including all)`.execute(db);
  }
  for (const { of, definition } of keys) {
    const within = sql.raw(definition.replace('REFERENCES ', `REFERENCES ${prefix}_`));
    await sql`alter table ${copyOf(of)} add ${within}`.execute(db);
  }
  await sql`insert into ${copyOf('account')} select * from account where ${IS_MEASURED}`.execute(
    db,
  );
  return await wallMs(async () => {
    await db.transaction().execute(async (tx) => {
      for (const table of WRITTEN) {
        await sql`insert into ${copyOf(table)}
          select * from ${sql.table(table)} where ${IS_MEASURED}`.execute(tx);
      }
      await sql`update ${copyOf('account')}
        set next_close_at = next_close_at + 1, last_cut_at = last_cut_at + 1`.execute(tx);
    });
  });
}

function figuresOf(closing: Closing, first: Closing): Figure[] {
  const { accounts, closeMs, scanMs, bareMs, bareWithoutKeysMs } = closing;
  const measured = `${format(closeMs)} ms, ${format((closeMs * 1000) / accounts)} µs an account`;
  const what = `closing ${accounts} accounts`;
  return [
    {
      scenario: 'e',
      what: `${what}, of the bare INSERT and UPDATE`,
      measured,
      limit: `${format(bareMs)} ms`,
      ratio: closeMs / bareMs,
      target: { atMost: 2 },
    },
    {
      scenario: 'e',
      what: `${what}, of the same without foreign keys`,
      measured,
      limit: `${format(bareWithoutKeysMs)} ms`,
      ratio: closeMs / bareWithoutKeysMs,
    },
    {
      scenario: 'e',
      what: `${what}, of a scan of the series`,
      measured,
      limit: `${format(scanMs)} ms`,
      ratio: closeMs / scanMs,
    },
    ...(accounts === first.accounts
      ? []
      : [
          {
            scenario: 'e',
            what: `${what}, each account, of closing ${first.accounts}`,
            measured,
            limit: `${format((first.closeMs * 1000) / first.accounts)} µs an account`,
            ratio: closeMs / accounts / (first.closeMs / first.accounts),
            target: { atMost: 1.3 },
          },
        ]),
  ];
}
