import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { sql } from 'kysely';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import { listSources } from '../../sources/source-store.ts';
import type { Clock } from '../../values/clock.ts';
import { toSecond } from '../../values/instant.ts';
import { PROBLEMS } from './schemas.ts';

/** GET /v1/metrics: what an alarm should watch, in Prometheus' text format, as it stands when it is asked for. */
export function metricsRoutes({
  db,
  clock,
}: {
  readonly db: Db;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const gauges = makeGauges(registry);
    server.route({
      method: 'GET',
      url: '/metrics',
      config: { scope: 'admin' },
      schema: {
        operationId: 'getMetrics',
        tags: ['Metrics'],
        summary: 'Figures to watch, in the text format of Prometheus',
        response: {
          200: {
            description: 'each with its help and type',
            content: { 'text/plain': { schema: z.string() } },
          },
          ...PROBLEMS,
        },
      },
      handler: async (_request, reply) => {
        await gauges.read(db, clock());
        return await reply.type(registry.contentType).send(await registry.metrics());
      },
    });
  };
}

const GAUGES: Readonly<Record<keyof Figures, readonly [name: string, help: string]>> = {
  parked: ['events_parked', 'Events that wait for what they are about'],
  quarantined: ['events_quarantined', 'Different contents that were refused'],
  overdue: ['periods_overdue_seconds', 'Since when the oldest ended period is not closed'],
  onTheirWay: ['invoices_not_at_stripe', 'Frozen invoices that are not open at Stripe yet'],
  needsOperator: ['invoices_need_operator', 'Invoices that do not go on by themselves'],
  open: ['invoices_open', 'Invoices that are not paid'],
  pastDue: ['accounts_past_due', 'Accounts whose invoice could not be collected'],
  drift: ['differences', 'Unresolved differences between usage, invoices, ledger and Stripe'],
};

function makeGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name: `gigameter_${name}`, help, labelNames, registers: [registry] });
  const silent = gauge(
    'source_silent_seconds',
    'Since when a source is silent that should report',
    ['source'],
  );
  const counts = new Map(
    Object.entries(GAUGES).map(([figure, [name, help]]) => [figure, gauge(name, help)]),
  );
  return {
    read: async (db: Db, now: Date): Promise<void> => {
      for (const [figure, value] of Object.entries(await readFigures(db, now))) {
        counts.get(figure)?.set(Number(value));
      }
      silent.reset();
      for (const { source, silentSince } of await listSources(db)) {
        if (silentSince === undefined) continue;
        silent.set({ source }, Math.floor((now.getTime() - silentSince.getTime()) / 1000));
      }
    },
  };
}

type Figures = {
  readonly parked: bigint;
  readonly quarantined: bigint;
  /** Seconds; 0 when everything that ended is closed. */
  readonly overdue: bigint;
  readonly onTheirWay: bigint;
  readonly needsOperator: bigint;
  readonly open: bigint;
  readonly pastDue: bigint;
  readonly drift: bigint;
};

async function readFigures(db: Db, now: Date): Promise<Figures> {
  const second = toSecond(now);
  const { rows } = await sql<Figures>`
    select
      (select count(*) from parked_event) as parked,
      (select count(*) from quarantined_event) as quarantined,
      (select coalesce(greatest(${second}::bigint - min(next_close_at), 0), 0) from account
        where next_close_at <= ${second}) as overdue,
      (select count(*) from invoice
        where state in ('frozen', 'drafted', 'filled', 'verified', 'finalizing')) as "onTheirWay",
      (select count(*) from invoice where state = 'needs_operator') as "needsOperator",
      (select count(*) from invoice where state = 'open') as open,
      (select count(*) from account_standing where past_due_since is not null) as "pastDue",
      (select count(*) from drift where resolved_at is null) as drift`.execute(db);
  return rows[0]!;
}
