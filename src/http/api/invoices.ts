import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import {
  listInvoices,
  type IssuedInvoice,
  type IssuedLine,
} from '../../invoicing/list-invoices.ts';
import { fromTenths } from '../../values/size.ts';
import { answer, invoices } from './answers.ts';
import { memberOf } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { toApiInstant } from './schemas.ts';

/** All past periods, oldest first, a row for each line: the rows of a period add up to its invoice (R34). */
export function invoiceRoutes({ readAs }: ApiDependencies): FastifyPluginAsyncZod {
  return async (server) => {
    server.get('/invoices', { schema: { response: answer(invoices) } }, async (request) => {
      const { id } = memberOf(request);
      const issued = await readAs(id, async (db) => await listInvoices(db, id));
      return { data: issued.flatMap(rowsOf) };
    });
  };
}

/** A period in which nothing was used has a row, too. */
const NOTHING: IssuedLine = {
  kind: 'nothing',
  app: undefined,
  database: undefined,
  sizeTenths: undefined,
  quantity: 0n,
  description: 'Nothing was used',
  amountCents: 0n,
};

function rowsOf({ periodStart, periodEnd, isPaid, lines }: IssuedInvoice) {
  return (lines.length === 0 ? [NOTHING] : lines).map((line) => ({
    app_name: line.app ?? null,
    replica_size_seconds: line.kind === 'app' ? Number(line.quantity) / 10 : 0,
    amount_cents: Number(line.amountCents),
    period_start: toApiInstant(periodStart),
    period_end: toApiInstant(periodEnd),
    paid: isPaid,
    description: line.description,
    ...(line.kind === 'database' ? databaseOf(line) : {}),
  }));
}

function databaseOf({ database, sizeTenths, quantity }: IssuedLine) {
  return {
    database_id: database,
    ...(sizeTenths === undefined ? {} : { database_size: fromTenths(sizeTenths) }),
    database_seconds: Number(quantity),
  };
}
