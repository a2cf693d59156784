import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  lastCounted,
  tierAt,
  tierOfPeriodEnding,
  type Account,
} from '../../../accounts/account.ts';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import type { BilledPeriod } from '../../../invoicing/bill-periods.ts';
import { forecastBill, runningPeriod } from '../../../invoicing/previews/preview-bill.ts';
import { previewInvoices } from '../../../invoicing/previews/preview-invoices.ts';
import { runRate } from '../../../invoicing/previews/run-rate.ts';
import { NO_LEVELS } from '../../../metering/usage/levels.ts';
import { levelsOf } from '../../../metering/usage/levels-store.ts';
import { priceBookAt } from '../../../pricing/price-book.ts';
import { priceBooksOf } from '../../../pricing/store.ts';
import { unconfirmedOf } from '../../../sources/silence/unconfirmed.ts';
import type { Clock } from '../../../values/clock.ts';
import { toSecond, type Second } from '../../../values/instant.ts';
import { ownAccount } from '../authenticate.ts';
import { bill, billToJson, linesToJson } from './bill-json.ts';
import { invoiceLine } from './invoice-json.ts';
import {
  accountParams,
  cents,
  instant,
  period,
  periodToJson,
  PROBLEMS,
  tier,
  toCents,
  toInstant,
} from '../schemas.ts';
import { unconfirmed, unconfirmedToJson } from './unconfirmed.ts';

const runRateSchema = z
  .object({
    account: z.string(),
    tier,
    period: period.meta({ description: 'the billing period whose length is meant' }),
    lines: z.array(invoiceLine),
    total_cents: cents,
  })
  .meta({ id: 'RunRate' });

const previewedInvoice = z
  .object({
    invoice_id: z.string().nullable().meta({ description: 'null: no invoice, all is free' }),
    period,
    tier,
    lines: z.array(invoiceLine),
    total_cents: cents.meta({ description: 'what would be to pay, after credit' }),
    unconfirmed,
  })
  .meta({ id: 'PreviewedInvoice' });

const preview = z
  .object({ account: z.string(), counted_to: instant, invoices: z.array(previewedInvoice) })
  .meta({ id: 'Preview' });

/** What an account costs: at present levels, by the end of its period, and if it were closed now. */
export function costRoutes({
  readAs,
  clock,
}: {
  readonly readAs: ReadAs;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Usage and costs'], params: accountParams };
    server.route({
      method: 'GET',
      url: '/accounts/:account/run-rate',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'getRunRate',
        summary: 'What the present levels cost over one billing period; jobs do not count',
        response: { 200: runRateSchema, ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const account = await requireAccount(db, request.params.account);
          return await runRateJson(db, account, toSecond(clock()));
        }),
    });
    server.route({
      method: 'GET',
      url: '/accounts/:account/forecast',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'getForecast',
        summary: 'What the running period will come to when nothing changes any more',
        response: { 200: bill, ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const account = await requireAccount(db, request.params.account);
          const forecast = await forecastBill(db, account, toSecond(clock()));
          const { start: from } = forecast.period;
          const silent = await unconfirmedOf(db, account.id, { from, to: forecast.countedTo });
          return billToJson(account.id, forecast, silent);
        }),
    });
    server.route({
      method: 'GET',
      url: '/accounts/:account/preview',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'previewInvoices',
        summary: 'The invoice as it would be if the running period were closed now',
        description:
          'By the code that closes, credits and carried balances included. A period that has ended but ' +
          'waits for late facts comes first, as an invoice of its own. Of an account that has ended, what ' +
          'corrects its bills.',
        response: { 200: preview, ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const account = await requireAccount(db, request.params.account);
          const at = toSecond(clock());
          const invoices: z.output<typeof previewedInvoice>[] = [];
          for (const billed of await previewInvoices(db, account, at)) {
            invoices.push(await previewToJson(db, billed));
          }
          return { account: account.id, counted_to: toInstant(lastCounted(account, at)), invoices };
        }),
    });
  };
}

async function runRateJson(
  db: Db,
  account: Account,
  at: Second,
): Promise<z.output<typeof runRateSchema>> {
  const terms = {
    tier: tierAt(account, at),
    priceBook: priceBookAt(await priceBooksOf(db, account.id), at),
    period: runningPeriod(account, at),
  };
  const isDeleted = account.deletedAt !== undefined && account.deletedAt <= at;
  const levels = isDeleted ? NO_LEVELS : await levelsOf(db, account.id);
  const { lines, totalCents } = runRate(levels, terms);
  return {
    account: account.id,
    tier: terms.tier,
    period: periodToJson(terms.period),
    lines: linesToJson(lines),
    total_cents: toCents(totalCents),
  };
}

async function previewToJson(
  db: Db,
  billed: BilledPeriod,
): Promise<z.output<typeof previewedInvoice>> {
  const { account, invoice, start, end } = billed;
  return {
    invoice_id: invoice?.invoiceId ?? null,
    period: periodToJson(billed),
    tier: tierOfPeriodEnding(account, end),
    lines: linesToJson(invoice?.lines ?? []),
    total_cents: toCents(invoice?.totalCents ?? 0n),
    unconfirmed: unconfirmedToJson(await unconfirmedOf(db, account.id, { from: start, to: end })),
  };
}
