import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unknownAccount } from '../../../accounts/require-account.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import {
  traceEvent,
  type RecordedTrace,
  type TracedEvent,
} from '../../../invoicing/explaining/trace-event.ts';
import { Fault } from '../../../values/fault.ts';
import { ownAccount } from '../authenticate.ts';
import { cause, waitsFor } from './event-outcomes.ts';
import { dateToInstant, decimal, identifier, instant, PROBLEMS, toInstant } from '../schemas.ts';

const tracedEvent = z
  .object({
    status: z.enum(['recorded', 'parked', 'refused']),
    type: z.string().optional(),
    cause: cause.optional(),
    occurred_at: instant.optional(),
    recorded_at: instant.optional(),
    superseded: z.boolean().optional().meta({
      description:
        'it counts no more: a later event says that it is not true, or what it is about was settled before',
    }),
    billing: z
      .enum(['open', 'invoiced', 'corrected', 'late', 'not_charged'])
      .optional()
      .meta({
        description:
          'of a recorded event. open: its period is; invoiced: with its period; corrected: it came after ' +
          'that invoice, and a later one carries the difference; late: the next one will; not_charged: ' +
          'its period was free, or settled before, or it made no difference',
      }),
    invoice_id: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'the invoice that counts it' }),
    waits_for: waitsFor.optional(),
    parked_at: instant.optional(),
    refusals: z.array(
      z.object({
        code: z.string(),
        field: z.string(),
        value: z.string(),
        rule: z.string(),
        times_seen: decimal,
        first_seen_at: instant,
      }),
    ),
  })
  .meta({ id: 'TracedEvent' });

/** GET /v1/events/{source}/{id}: what became of an event, and which invoice counted it. */
export function tracedEventRoutes({ readAs }: { readonly readAs: ReadAs }): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/events/:source/:id',
      config: { scope: 'read' },
      schema: {
        operationId: 'getEvent',
        tags: ['Events'],
        summary: 'What became of an event',
        params: z.strictObject({ source: identifier, id: identifier }),
        querystring: z.strictObject({
          account: identifier
            .optional()
            .meta({ description: "required but for an account's own key: ids are per account" }),
        }),
        response: { 200: tracedEvent, ...PROBLEMS },
      },
      handler: async (request) => {
        const own = ownAccount(request);
        const account = request.query.account ?? own;
        if (account === undefined) {
          const message = 'say which account the event is about: ?account=…';
          throw new Fault('invalid', 'account_required', message);
        }
        if (own !== undefined && account !== own) throw unknownAccount(account);
        const name = { account, ...request.params };
        const traced = await readAs(own, async (db) => await traceEvent(db, name));
        if (traced === undefined) {
          const message = `account ${account} has no event ${name.id} from ${name.source}`;
          throw new Fault('not_found', 'event_unknown', message);
        }
        if (traced.archived !== undefined) {
          const { month, file } = traced.archived;
          const message = `event ${name.id} from ${name.source} is archived with ${month} in ${file}`;
          throw new Fault('conflict', 'facts_archived', message);
        }
        return toJson(traced);
      },
    });
  };
}

function toJson({ recorded, parked, refused }: TracedEvent): z.output<typeof tracedEvent> {
  const refusals = refused.map(({ timesSeen, firstSeenAt, ...refusal }) => ({
    ...refusal,
    times_seen: timesSeen.toString(),
    first_seen_at: dateToInstant(firstSeenAt),
  }));
  if (recorded !== undefined) return { status: 'recorded', ...recordedToJson(recorded), refusals };
  if (parked === undefined) return { status: 'refused', refusals };
  return {
    status: 'parked',
    waits_for: { kind: parked.waitsFor, name: parked.name },
    parked_at: dateToInstant(parked.parkedAt),
    refusals,
  };
}

function recordedToJson(recorded: RecordedTrace) {
  const { type, cause: why, occurredAt, recordedAt, isSuperseded } = recorded;
  const { billing, invoiceId } = recorded;
  return {
    type,
    ...(why === undefined ? {} : { cause: why }),
    occurred_at: toInstant(occurredAt),
    recorded_at: dateToInstant(recordedAt),
    superseded: isSuperseded,
    billing,
    invoice_id: invoiceId ?? null,
  };
}
