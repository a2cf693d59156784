import type { FastifyPluginAsync } from 'fastify';
import type { Db } from '../../database/pool.ts';
import type { ReadAs } from '../../database/row-level-security.ts';
import type { Limits } from '../../limits/rules.ts';
import type { RecordEvents } from '../../metering/record-events.ts';
import type { CommandContext } from '../../platform/command.ts';
import type { WaitingContext } from '../../stripe/under-lease.ts';
import { readJsonBodies } from '../json-bodies.ts';
import { accountCommandRoutes } from './accounts/account-commands.ts';
import { accountRoutes } from './accounts/accounts.ts';
import { requireKeys, type AuthenticationDependencies } from './authenticate.ts';
import { cardRoutes } from './accounts/cards.ts';
import { checkRoutes } from './bills/checks.ts';
import { connectionRoutes } from './accounts/connections.ts';
import { costRoutes } from './bills/costs.ts';
import { creditRoutes } from './accounts/credits.ts';
import { EVENT_TYPES } from './events/event-bodies.ts';
import { eventRoutes } from './events/events.ts';
import { invoiceRoutes } from './bills/invoices.ts';
import { lineSegmentRoutes } from './bills/line-segments.ts';
import { priceBookRoutes } from './prices/price-books.ts';
import { priceRoutes } from './prices/prices.ts';
import { refundRoutes } from './accounts/refunds.ts';
import { signalRoutes } from './events/signals.ts';
import { resourceRoutes } from './accounts/resources.ts';
import { snapshotRoutes } from './events/snapshots.ts';
import { sourceRoutes } from './events/sources.ts';
import { tracedEventRoutes } from './events/traced-events.ts';
import { metricsRoutes } from './metrics.ts';
import { neverCached } from '../never-cached.ts';
import { refuseUnexpectedInput } from '../unexpected-input.ts';
import { usageRoutes } from './bills/usage.ts';
import { violationRoutes } from './accounts/violations.ts';

export type V1Dependencies = AuthenticationDependencies & {
  readonly db: Db;
  readonly readAs: ReadAs;
  /** Coalesced, so that concurrent requests share a commit. */
  readonly recordEvents: RecordEvents;
  readonly commands: CommandContext;
  readonly limits: Limits;
  readonly openStripe: () => WaitingContext;
};

const RESOURCES = [
  eventRoutes,
  tracedEventRoutes,
  snapshotRoutes,
  sourceRoutes,
  connectionRoutes,
  signalRoutes,
  accountRoutes,
  accountCommandRoutes,
  resourceRoutes,
  usageRoutes,
  costRoutes,
  checkRoutes,
  violationRoutes,
  invoiceRoutes,
  lineSegmentRoutes,
  priceBookRoutes,
  priceRoutes,
  creditRoutes,
  refundRoutes,
  cardRoutes,
  metricsRoutes,
];

/** The operators' API, for keys with scopes; an account's own key reads its own account only. */
export function v1Routes(dependencies: V1Dependencies): FastifyPluginAsync {
  return async (server) => {
    neverCached(server);
    readJsonBodies(server, EVENT_TYPES);
    requireKeys(server, dependencies);
    refuseUnexpectedInput(server);
    for (const routes of RESOURCES) await server.register(routes(dependencies));
  };
}
