import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  acknowledgeSignals,
  listWaitingSignals,
  type WaitingSignal,
} from '../../../accounts/signal-feed.ts';
import { NO_ACCOUNT } from '../../../accounts/signals.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import type { Clock } from '../../../values/clock.ts';
import { dateToInstant, identifier, instant, MOST_PER_PAGE, paging, PROBLEMS } from '../schemas.ts';

const account = identifier.nullable().meta({ description: 'null: about the platform itself' });
const signalId = identifier.meta({ description: 'unique within its account' });

const signal = z
  .object({
    account,
    signal_id: signalId,
    kind: z.string().meta({ example: 'app.scale_requested' }),
    details: z.record(z.string(), z.unknown()),
    created_at: instant,
  })
  .meta({ id: 'Signal' });

const KINDS = `
| kind | says |
|---|---|
| \`email.confirmation_code\`, \`email.confirm_email\`, \`email.reset_password\` | mail this \`code\` or \`token\` to \`email\` |
| \`app.create_requested\`, \`app.scale_requested\`, \`app.restart_requested\`, \`app.delete_requested\` | a command was accepted: make it so |
| \`job.run_requested\` | run this beside the app, and report \`job.finished\` |
| \`database.create_requested\`, \`database.resize_requested\`, \`database.delete_requested\` | make it so, and report \`database.available\` |
| \`permission.granted\`, \`permission.revoked\` | somebody may, or may no longer, act on an app |
| \`limit.exceeded\`, \`database.row_limit_exceeded\`, \`database.row_limit_cleared\` | the free tier's limits |
| \`account.past_due\`, \`account.restored\`, \`account.deleted\` | the account |
| \`payment.disputed\`, \`payment.dispute_closed\` | its payments |
| \`account.facts_too_late\`, \`usage.unconfirmed\` | what no invoice can carry, or nobody confirmed |
| \`source.silent\`, \`source.heard_again\` | a source of events |`;

/** What the platform is told, for it to act on (D12). */
export function signalRoutes({
  db,
  readAs,
  clock,
}: {
  readonly db: Db;
  readonly readAs: ReadAs;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Signals'] };
    server.route({
      method: 'GET',
      url: '/signals',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'listSignals',
        summary: 'What the platform is to do or to know, the oldest first',
        description: `Each is listed until it is acknowledged, so none is missed.\n${KINDS}`,
        querystring: z.strictObject({ limit: paging.limit }),
        response: { 200: z.object({ signals: z.array(signal) }), ...PROBLEMS },
      },
      handler: async ({ query: { limit } }) => {
        const waiting = await readAs(undefined, async (reads) => listWaitingSignals(reads, limit));
        return { signals: waiting.map(toJson) };
      },
    });
    server.route({
      method: 'POST',
      url: '/signals/acknowledge',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'acknowledgeSignals',
        summary: 'Say that signals have arrived: they are listed no more',
        description: 'Tokens and codes among their details are forgotten. Safe to repeat.',
        body: z.strictObject({
          signals: z
            .array(z.strictObject({ account, signal_id: signalId }))
            .min(1)
            .max(MOST_PER_PAGE),
        }),
        response: {
          200: z
            .object({ acknowledged: z.number().int().meta({ description: 'that were listed' }) })
            .meta({ id: 'AcknowledgedSignals' }),
          ...PROBLEMS,
        },
      },
      handler: async ({ body }) => {
        const names = body.signals.map((one) => ({
          accountId: one.account ?? NO_ACCOUNT,
          signalId: one.signal_id,
        }));
        return { acknowledged: await acknowledgeSignals(db, clock(), names) };
      },
    });
  };
}

function toJson({ accountId, signalId: id, kind, details, createdAt }: WaitingSignal) {
  return {
    account: accountId === NO_ACCOUNT ? null : accountId,
    signal_id: id,
    kind,
    details: { ...details },
    created_at: dateToInstant(createdAt),
  };
}
