import { validatorCompiler, type FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { CommandContext } from '../../../platform/command.ts';
import { applySnapshot } from '../../../sources/snapshots/apply-snapshot.ts';
import { snapshotAnswer } from '../../../sources/snapshots/snapshot-answer.ts';
import {
  parseSnapshot,
  snapshotSchema,
  sourceName,
} from '../../../sources/snapshots/snapshot-schema.ts';
import { assert } from '../../../values/fault.ts';
import { decimal, instant, PROBLEMS, tier } from '../schemas.ts';

/** Room for some hundred thousand resources. */
const SNAPSHOT_BODY_BYTES = 32 * 1024 * 1024;

const count = z.number().int().min(0);
const usd = decimal.meta({
  description: 'US dollars; positive where too little is billed',
  example: '0.06720430',
});
const state = z
  .object({ replicas: count, size: z.number() })
  .nullable()
  .meta({ description: 'null when nothing of it runs' });

const difference = z
  .object({
    app: z.string(),
    database: z.string().nullable().meta({ description: 'null for the app itself' }),
    metered: state,
    reported: state,
    usd_per_hour: usd,
    since: instant
      .nullable()
      .meta({ description: 'when it can have begun at the earliest; null when unknown' }),
    misbilled_usd: usd
      .nullable()
      .meta({ description: 'since then, so at most; null when unknown' }),
  })
  .meta({ id: 'SnapshotDifference' });

const drift = z
  .object({
    account: z.string(),
    tier: tier.nullable().meta({ description: 'null for an account that is not known' }),
    replica_size: decimal.meta({ description: 'replicas × size that run beyond what is metered' }),
    databases: count.meta({ description: 'that run beyond those metered' }),
    usd_per_hour: usd,
    misbilled_usd: usd.nullable().meta({ description: 'at most; null when unknown' }),
    differences: z.array(difference).meta({ description: 'at most 100' }),
    differences_in_all: count,
  })
  .meta({ id: 'AccountDrift' });

const answer = z
  .object({
    source: z.string(),
    taken_at: instant,
    dry_run: z.boolean(),
    resources: z.object({
      reported: count,
      metered: count.meta({ description: 'as run by this source' }),
      missed: count.meta({ description: 'of those, not reported' }),
    }),
    corrections: z
      .object({ recorded: count, duplicate: count, parked: count, refused: count })
      .meta({ description: 'corrective events; all 0 in a dry run' }),
    refusals: z.array(z.string()).meta({ description: 'why some were refused; at most 100' }),
    too_small: z.string().nullable().meta({
      description: 'why the snapshot is refused unless forced; in dry runs and forced ones',
    }),
    usd_per_hour: usd,
    accounts_with_drift: count,
    accounts: z.array(drift).meta({ description: 'the dearest first, at most 1000' }),
  })
  .meta({ id: 'SnapshotResult' });

/** PUT /v1/snapshots/{source}: the whole live state of a source, against which the meter is corrected. */
export function snapshotRoutes({
  commands: { db, clock, record, limits },
}: {
  readonly commands: CommandContext;
}): FastifyPluginAsyncZod {
  const parse = parseSnapshot(limits.maxReplicas);
  return async (server) => {
    server.route({
      method: 'PUT',
      url: '/snapshots/:source',
      bodyLimit: SNAPSHOT_BODY_BYTES,
      config: { scope: 'ingest' },
      // Read by ourselves up to the first mistake; a schema collects all of them, however many.
      validatorCompiler: ({ schema, ...route }) => {
        assert(schema instanceof z.ZodType, 'requests are described in zod');
        if (route.httpPart === 'body') return (value: unknown) => ({ value });
        return validatorCompiler({ ...route, schema });
      },
      schema: {
        operationId: 'putSnapshot',
        tags: ['Sources'],
        summary: 'Report all that a source runs, and correct what is metered otherwise',
        description:
          'What the meter holds otherwise at `taken_at` becomes corrective events; what this source ran ' +
          'and the snapshot does not name ends. Resources that another source reported last are only ' +
          'changed when they are named. The same snapshot again changes nothing. Refused with 409: an ' +
          'empty one while something runs, one that misses more than a fifth (and more than 10) of what ' +
          'runs (`snapshot_too_small`), and another one of the same instant (`snapshot_differs`).',
        params: z.strictObject({ source: sourceName.meta({ example: 'controller' }) }),
        querystring: z.strictObject({
          dry_run: flag.meta({ description: 'only say what would be corrected' }),
          force: flag.meta({ description: 'take it also when it looks too small' }),
        }),
        body: snapshotSchema(limits.maxReplicas),
        response: { 200: answer, ...PROBLEMS },
      },
      handler: async ({ params, query, body }) => {
        const options = { isDryRun: query.dry_run, isForced: query.force };
        const snapshot = parse(params.source, body);
        return snapshotAnswer(await applySnapshot({ db, record }, clock(), snapshot, options));
      },
    });
  };
}

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
