import { z } from 'zod';
import type { Change } from '../../../limits/holdings.ts';
import { NEW_DATABASE_SIZE_TENTHS, type LimitReason } from '../../../limits/rules.ts';
import type { DesiredState } from '../../../platform/desired-state.ts';
import { Fault } from '../../../values/fault.ts';
import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  fromTenths,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../../../values/size.ts';
import { identifier } from '../schemas.ts';

/** What no int4 of the database could hold is no number of replicas, whatever the limit. */
const MOST_REPLICAS = 1_000_000;

const appSize = z
  .number()
  .refine(isAppSize, { error: `must be ${APP_SIZE_RULE}` })
  .meta({ description: APP_SIZE_RULE, example: 0.5 });
const databaseSize = z
  .number()
  .refine(isDatabaseSize, { error: `must be ${DATABASE_SIZE_RULE}` })
  .meta({ description: DATABASE_SIZE_RULE, example: 0.6 });

/** A change somebody thinks of making. */
export const changeBody = z
  .discriminatedUnion('change', [
    z.strictObject({
      change: z.literal('scale_app'),
      app: identifier,
      replicas: z.number().int().min(0).max(MOST_REPLICAS).optional(),
      size: appSize.optional(),
    }),
    z.strictObject({ change: z.literal('create_app') }),
    z.strictObject({
      change: z.literal('create_database'),
      app: identifier,
      size: databaseSize.optional(),
    }),
    z.strictObject({
      change: z.literal('resize_database'),
      database: identifier,
      size: databaseSize,
    }),
  ])
  .meta({
    id: 'Change',
    description: 'what is left out of a scale stays as it is; a database is 0.6 by default',
  });

/** `details` of the completed change, as they were decided on. */
export const completedChange = z
  .object({
    change: z.string(),
    app: z.string().optional(),
    database: z.string().optional(),
    replicas: z.number().int().optional(),
    size: z.number().optional(),
  })
  .meta({ id: 'CompletedChange' });

export const reasons = z.array(
  z.object({ code: z.string().meta({ example: 'free_instances' }), message: z.string() }),
);

/**
 * Completes a change by what the account runs (R9).
 *
 * @throws Fault `app_unknown` for a part of an app that is not there, `database_unknown`, `nothing_to_change`.
 */
export function toChange(body: z.output<typeof changeBody>, desired: DesiredState): Change {
  switch (body.change) {
    case 'create_app':
      return { kind: 'create_app' };
    case 'scale_app':
      return scaling(body, desired);
    case 'create_database': {
      const sizeTenths = body.size === undefined ? NEW_DATABASE_SIZE_TENTHS : toTenths(body.size);
      return { kind: 'create_database', app: body.app, sizeTenths };
    }
    case 'resize_database': {
      const { database, size } = body;
      const isThere = desired.databases.some(
        (one) => one.database === database && one.state !== 'DELETED',
      );
      if (isThere) return { kind: 'resize_database', database, sizeTenths: toTenths(size) };
      throw new Fault('not_found', 'database_unknown', `there is no database ${database}`);
    }
  }
}

function scaling(
  body: Extract<z.output<typeof changeBody>, { change: 'scale_app' }>,
  desired: DesiredState,
): Change {
  if (body.replicas === undefined && body.size === undefined) {
    throw new Fault('invalid', 'nothing_to_change', 'give replicas, size or both');
  }
  const present = desired.apps.find(({ app }) => app === body.app);
  const replicas = body.replicas ?? present?.replicas;
  const sizeTenths = body.size === undefined ? present?.sizeTenths : toTenths(body.size);
  if (replicas === undefined || sizeTenths === undefined) {
    const message = `there is no app ${body.app}: give replicas and size of one not made yet`;
    throw new Fault('not_found', 'app_unknown', message);
  }
  return { kind: 'scale_app', app: body.app, replicas, sizeTenths };
}

export function changeToJson({ kind, ...change }: Change): z.output<typeof completedChange> {
  const { sizeTenths, ...rest } = { sizeTenths: undefined, ...change };
  return {
    change: kind,
    ...rest,
    ...(sizeTenths === undefined ? {} : { size: fromTenths(sizeTenths) }),
  };
}

export function reasonsToJson(found: readonly LimitReason[]): z.output<typeof reasons> {
  return found.map(({ code, message }) => ({ code, message }));
}
