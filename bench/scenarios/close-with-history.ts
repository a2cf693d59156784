import { sql } from 'kysely';
import type { Db } from '../../src/database/pool.ts';
import { format, type Figure } from '../figures.ts';
import { median, wallMs } from '../measure.ts';
import { accountName } from '../reports.ts';
import type { Size } from '../scenario.ts';
import { seedHistory } from '../seed-history.ts';
import type { Servers } from '../servers.ts';
import { queryWindow } from '../window-query.ts';
import { checkTotals, closeAll, FIRST_ACCOUNTS, PERIOD_END } from './closing.ts';

const SIZES: Readonly<Record<Size, { accounts: number; perAccount: number }>> = {
  small: { accounts: 100, perAccount: 50 },
  default: { accounts: 1_000, perAccount: 170 },
  large: { accounts: 3_300, perAccount: 1_000 },
};
const ROUNDS = 3;
const FEW = 3;

/**
 * Closing accounts with long histories, against closing the same accounts with short ones, and against the query
 * over all their events that a meter without a running integral would close with.
 */
export async function closeWithHistory(servers: Servers, size: Size): Promise<Figure[]> {
  const { accounts, perAccount } = SIZES[size];
  const groups = [FIRST_ACCOUNTS, ...Array.from({ length: ROUNDS }, () => accounts)].map(
    (count, group, counts) => {
      const before = counts.slice(0, group).reduce((sum, one) => sum + one, 0);
      return Array.from({ length: count }, (_, number) => accountName(before + number));
    },
  );
  const open = async (eventsEach: number) => {
    const database = await servers.makeDatabase();
    const histories = groups.flat().map((account) => ({ account, events: eventsEach }));
    await seedHistory(database.db, histories);
    await database.db.updateTable('account').set({ next_close_at: null }).execute();
    await database.pool.query('vacuum analyze');
    await database.pool.query('checkpoint');
    return { ...database, times: [] as number[] };
  };
  const long = await open(perAccount);
  const short = await open(FEW);
  const queryTimes: number[] = [];
  for (const [index, group] of groups.entries()) {
    for (const one of [long, short]) {
      await makeDue(one.db, group);
      const ms = await wallMs(async () => await closeAll(one.db, group.length));
      if (index > 0) one.times.push(ms);
    }
    queryTimes.push(await wallMs(async () => await queryWindow(long.db, group, PERIOD_END)));
  }
  for (const { db, drop } of [long, short]) {
    await checkTotals(db, await unitsOf(db, groups.flat()));
    await drop();
  }
  const measured = `${format(median(long.times))} ms`;
  const events = perAccount * accounts;
  const queryMs = median(queryTimes.slice(1));
  return [
    {
      scenario: 'e',
      what: `closing ${accounts} accounts with ${events} events behind them, of ${FEW * accounts} events`,
      measured,
      limit: `${format(median(short.times))} ms`,
      ratio: median(long.times.map((ms, round) => ms / short.times[round]!)),
      target: { atMost: 1.2 },
    },
    {
      scenario: 'e',
      what: `a window query over those ${events} events, of closing`,
      measured: `${format(queryMs)} ms`,
      limit: measured,
      ratio: queryMs / median(long.times),
      ...(perAccount >= 1_000 ? { target: { atLeast: 50 } } : {}),
    },
  ];
}

async function makeDue(db: Db, accounts: readonly string[]): Promise<void> {
  await sql`update account set next_close_at = ${PERIOD_END}
    where account_id = any(${accounts}::text[])`.execute(db);
}

async function unitsOf(db: Db, accounts: readonly string[]): Promise<Map<string, bigint>> {
  const units = new Map<string, bigint>();
  for (const one of await queryWindow(db, accounts, PERIOD_END)) {
    units.set(one.account, (units.get(one.account) ?? 0n) + one.units);
  }
  return units;
}
