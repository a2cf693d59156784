import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Db } from '../../../database/pool.ts';
import { noteHeard } from '../../../sources/heard.ts';
import { sourceName } from '../../../sources/snapshots/snapshot-schema.ts';
import {
  expectSource,
  LEAST_EXPECTED_SECONDS,
  listSources,
  MOST_EXPECTED_SECONDS,
  POLICIES,
  type Source,
} from '../../../sources/source-store.ts';
import type { Clock } from '../../../values/clock.ts';
import { dateToInstant, instant, PROBLEMS } from '../schemas.ts';

const policy = z.enum(POLICIES).meta({
  description:
    'what becomes of its levels while it is silent: `hold` keeps them; `close` ends them when the silence ' +
    'began and brings them back when it is heard again; `flag` keeps them and tells its accounts',
});

const source = z
  .object({
    source: z.string(),
    last_heard_at: instant.nullable().meta({ description: 'within ten seconds; null: never' }),
    expected_every_seconds: z.number().int().nullable(),
    policy,
    silent_since: instant.nullable().meta({ description: 'when a report was overdue first' }),
  })
  .meta({ id: 'Source' });

const expectation = z.strictObject({
  expected_every_seconds: z
    .number()
    .int()
    .min(LEAST_EXPECTED_SECONDS)
    .max(MOST_EXPECTED_SECONDS)
    .nullable()
    .meta({ description: 'how often it reports at least; null when it need not' }),
  policy: policy.default('hold'),
});

/** Who reports, and what is expected of each. */
export function sourceRoutes({
  db,
  clock,
}: {
  readonly db: Db;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Sources'] };
    const params = z.strictObject({ source: sourceName.meta({ example: 'controller' }) });
    server.route({
      method: 'GET',
      url: '/sources',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'listSources',
        summary: 'All sources, when each was heard last, and which are silent',
        response: { 200: z.object({ sources: z.array(source) }), ...PROBLEMS },
      },
      handler: async () => ({ sources: (await listSources(db)).map(sourceToJson) }),
    });
    server.route({
      method: 'PUT',
      url: '/sources/:source',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'expectSource',
        summary: 'Say how often a source reports, and what to do when it does not',
        params,
        body: expectation,
        response: { 200: source, ...PROBLEMS },
      },
      handler: async ({ params: { source: name }, body }) => {
        const { expected_every_seconds, policy: chosen } = body;
        return sourceToJson(
          await expectSource(db, clock(), {
            source: name,
            expectedEverySeconds: expected_every_seconds ?? undefined,
            policy: chosen,
          }),
        );
      },
    });
    server.route({
      method: 'POST',
      url: '/sources/:source/heartbeat',
      config: { scope: 'ingest' },
      schema: {
        ...common,
        operationId: 'heartbeat',
        summary: 'Say that a source lives while it has nothing to report',
        params,
        response: { 204: z.null(), ...PROBLEMS },
      },
      handler: async (request, reply) => {
        await noteHeard(db, clock(), [request.params.source]);
        return await reply.status(204).send(null);
      },
    });
  };
}

function sourceToJson(one: Source): z.output<typeof source> {
  return {
    source: one.source,
    last_heard_at: one.lastHeardAt === undefined ? null : dateToInstant(one.lastHeardAt),
    expected_every_seconds: one.expectedEverySeconds ?? null,
    policy: one.policy,
    silent_since: one.silentSince === undefined ? null : dateToInstant(one.silentSince),
  };
}
