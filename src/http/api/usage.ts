import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { tierAt } from '../../accounts/account.ts';
import { previewBill, runningPeriod } from '../../invoicing/previews/preview-bill.ts';
import { runRate } from '../../invoicing/previews/run-rate.ts';
import { levelsOf } from '../../metering/usage/levels-store.ts';
import type { Usage } from '../../metering/usage/usage.ts';
import type { Line } from '../../pricing/line.ts';
import { priceBookAt } from '../../pricing/price-book.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { toSecond } from '../../values/instant.ts';
import { fromTenths } from '../../values/size.ts';
import { answer, usage } from './answers.ts';
import { memberOf } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';

/** The running period up to now (R32), and a whole one at present levels. */
export function usageRoutes({ commands, readAs }: ApiDependencies): FastifyPluginAsyncZod {
  const { clock } = commands;
  return async (server) => {
    server.get('/usage', { schema: { response: answer(usage) } }, async (request) => {
      const account = memberOf(request);
      const at = toSecond(clock());
      const bill = await readAs(account.id, async (db) => await previewBill(db, account, at));
      return { data: rowsOf(bill.usage, bill.lines) };
    });
    server.get('/usage/run_rate', { schema: { response: answer(usage) } }, async (request) => {
      const account = memberOf(request);
      const at = toSecond(clock());
      const rate = await readAs(account.id, async (db) =>
        runRate(await levelsOf(db, account.id), {
          tier: tierAt(account, at),
          priceBook: priceBookAt(await priceBooksOf(db, account.id), at),
          period: runningPeriod(account, at),
        }),
      );
      return { data: rowsOf(rate.usage, rate.lines) };
    });
  };
}

/** One row per app, then one per database and size; what is not charged costs 0 (R18). */
function rowsOf({ apps, databases }: Usage, lines: readonly Line[]) {
  const amountOf = (isOf: (line: Line) => boolean): number =>
    Number(lines.find(isOf)?.amountCents ?? 0n);
  return [
    ...apps.map(({ app, rssTenths }) => ({
      app,
      amount_cents: amountOf((line) => line.kind === 'app' && line.app === app),
      replica_size_seconds: Number(rssTenths) / 10,
    })),
    ...databases.map(({ app, database, sizeTenths, seconds }) => ({
      app,
      amount_cents: amountOf(
        (line) =>
          line.kind === 'database' && line.database === database && line.sizeTenths === sizeTenths,
      ),
      replica_size_seconds: 0,
      database_id: database,
      database_size: fromTenths(sizeTenths),
      database_seconds: Number(seconds),
    })),
  ];
}
