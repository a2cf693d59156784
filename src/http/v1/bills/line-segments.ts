import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { explainLine } from '../../../invoicing/explaining/explain-line.ts';
import { linesOf, type NumberedLine } from '../../../invoicing/page-invoices.ts';
import type { PricedSegment } from '../../../invoicing/explaining/price-segments.ts';
import { Fault } from '../../../values/fault.ts';
import { formatTenths, fromTenths } from '../../../values/size.ts';
import { ownAccount } from '../authenticate.ts';
import { cause } from '../events/event-outcomes.ts';
import { invoiceParams, requireInvoice } from './invoices.ts';
import { cents, decimal, instant, PROBLEMS, toCents, toInstant } from '../schemas.ts';

const eventKey = z.object({ source: z.string(), id: z.string(), cause: cause.optional() });

const segment = z
  .object({
    from: instant,
    to: instant.meta({ description: 'not included' }),
    seconds: decimal.meta({ description: 'negative where a correction takes back' }),
    replicas: z.number().int().optional().meta({ description: 'of an app' }),
    size: z.number(),
    job: z.string().optional(),
    replica_size_seconds: decimal.optional().meta({ description: 'of an app or a job' }),
    amount_cents: cents,
    started_by: eventKey.meta({ description: 'the event that set this level' }),
    ended_by: eventKey.nullable().meta({ description: 'the event that ended it, if one did' }),
  })
  .meta({ id: 'Segment' });

const segments = z
  .object({
    segments: z.array(segment),
    rest: z.object({ quantity: decimal, amount_cents: cents }).nullable().meta({
      description:
        'what of the line no segment accounts for, when facts it was made from have been corrected since',
    }),
    next: z.int().nullable().meta({ description: '`after` for the next page; null on the last' }),
  })
  .meta({ id: 'Segments' });

const MOST_SEGMENTS = 1000;

/** GET …/lines/{line}/segments: what a line adds up from. */
export function lineSegmentRoutes({ readAs }: { readonly readAs: ReadAs }): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/accounts/:account/invoices/:invoice/lines/:line/segments',
      config: { scope: 'read' },
      schema: {
        operationId: 'listLineSegments',
        tags: ['Invoices'],
        summary: 'What a line adds up from, to the second and to the cent',
        description:
          'By the facts that were known when the invoice was made. Lines of credit and carried balances ' +
          'have none.',
        params: invoiceParams.extend({ line: z.coerce.number().int().min(1).max(1_000_000) }),
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(MOST_SEGMENTS).default(MOST_SEGMENTS),
          after: z.coerce.number().int().min(0).max(100_000_000).default(0),
        }),
        response: { 200: segments, ...PROBLEMS },
      },
      handler: async (request) => {
        const { account: accountId, invoice, line: lineNumber } = request.params;
        const { limit, after } = request.query;
        return await readAs(ownAccount(request), async (db) => {
          await requireInvoice(db, accountId, invoice);
          const account = await requireAccount(db, accountId);
          const lines = await linesOf(db, accountId, invoice);
          const line = lines.find((one) => one.lineNumber === lineNumber);
          if (line === undefined) {
            const message = `invoice ${invoice} has no line ${lineNumber}`;
            throw new Fault('not_found', 'line_unknown', message);
          }
          const explained = await explainLine(db, account, invoice, line);
          if (explained.archived !== undefined) {
            throw new Fault('conflict', 'facts_archived', explained.archived);
          }
          const end = after + limit;
          return {
            segments: explained.segments.slice(after, end).map((one) => toJson(line, one)),
            rest: restToJson(line, explained.rest),
            next: end < explained.segments.length ? end : null,
          };
        });
      },
    });
  };
}

function toJson({ database }: NumberedLine, one: PricedSegment): z.output<typeof segment> {
  const sign = one.units < 0n ? -1n : 1n;
  const isApp = database === undefined;
  const isReplicas = isApp && one.job === undefined;
  return {
    from: toInstant(one.from),
    to: toInstant(one.to),
    seconds: (sign * (one.to - one.from)).toString(),
    ...(isReplicas ? { replicas: Number(one.level / BigInt(one.sizeTenths)) } : {}),
    size: fromTenths(one.sizeTenths),
    ...(one.job === undefined ? {} : { job: one.job }),
    ...(isApp ? { replica_size_seconds: formatTenths(one.units) } : {}),
    amount_cents: toCents(one.amountCents),
    started_by: one.startedBy,
    ended_by: one.endedBy ?? null,
  };
}

function restToJson(
  { database }: NumberedLine,
  rest: { readonly units: bigint; readonly amountCents: bigint } | undefined,
) {
  if (rest === undefined) return null;
  return {
    quantity: database === undefined ? formatTenths(rest.units) : rest.units.toString(),
    amount_cents: toCents(rest.amountCents),
  };
}
