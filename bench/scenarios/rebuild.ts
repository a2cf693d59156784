import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { format, type Figure } from '../figures.ts';
import { wallMs } from '../measure.ts';
import { inParts } from '../parts.ts';
import { accountName } from '../reports.ts';
import type { Scenario, Size } from '../scenario.ts';
import { seedHistory } from '../seed-history.ts';

const SIZES: Readonly<Record<Size, { accounts: number; events: number }>> = {
  small: { accounts: 50, events: 200 },
  default: { accounts: 100, events: 5_000 },
  large: { accounts: 1_000, events: 10_000 },
};
/** As many accounts at once as the command takes. */
const CHUNK = 100;

/** Recomputing all that is derived from events, against adding the same events up once. */
export const rebuild: Scenario = {
  name: 'g',
  about: 'rebuilding all series from events, against one pass over the events',
  run: async (servers, size): Promise<Figure[]> => {
    const bench = await servers.makeDatabase();
    const { db } = bench;
    const { accounts, events } = SIZES[size];
    const names = Array.from({ length: accounts }, (_, number) => accountName(number));
    await seedHistory(
      db,
      names.map((account) => ({ account, events })),
    );
    await bench.pool.query('vacuum analyze');
    const passMs = await wallMs(async () => {
      await sql`
        select account_id, resource, sum(level * (until - at)) from (
          select account_id, resource, level, at,
            lead(at) over (partition by account_id, resource order by at, tie, event_id, source) as until
          from event where meter = 'app' and not is_superseded
        ) stretch group by account_id, resource`.execute(db);
    });
    const before = process.memoryUsage().rss;
    const rebuildMs = await wallMs(async () => {
      for (const chunk of inParts(names, CHUNK)) {
        assert.deepEqual(await rebuildSeries(db, chunk, false), []);
      }
    });
    const grownMb = Math.max(0, process.memoryUsage().rss - before) / 1e6;
    await bench.drop();
    return [
      {
        scenario: 'g',
        what: `rebuilding ${accounts * events} events, of one pass over them`,
        measured: `${format(rebuildMs)} ms, +${format(grownMb)} MB`,
        limit: `${format(passMs)} ms`,
        ratio: rebuildMs / passMs,
      },
    ];
  },
};
