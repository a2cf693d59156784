import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Db } from '../database/pool.ts';
import type { ReadAs } from '../database/row-level-security.ts';
import type { CommandContext } from '../platform/command.ts';
import type { PayContext } from '../stripe/issue/pay-invoice.ts';
import type { WaitingContext } from '../stripe/under-lease.ts';
import type { Clock } from '../values/clock.ts';

/** How many jobs of a queue are in which state. */
export type QueueState = {
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
};

/** Where pages look into the queues; a process without queues has none. */
export type QueueView = {
  readonly states: () => Promise<readonly QueueState[]>;
  /** BullMQ's board, for the path it is registered under. */
  readonly board: (basePath: string) => FastifyPluginAsync;
};

export type PagesDependencies = {
  readonly db: Db;
  readonly clock: Clock;
  readonly readAs: ReadAs;
  readonly commands: CommandContext;
  readonly openStripe: () => WaitingContext & PayContext;
  readonly queues: QueueView | undefined;
};

export type PageRoutes = (server: FastifyInstance, dependencies: PagesDependencies) => void;
