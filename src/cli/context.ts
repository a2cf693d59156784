import type { Db } from '../database/pool.ts';
import type { RecordEvents, RecordWithin } from '../metering/record-events.ts';
import type { Report } from '../stripe/checks/reconcile.ts';
import type { Clock } from '../values/clock.ts';
import type { Second } from '../values/instant.ts';
import type { Output } from './output.ts';

/** What commands need of a running database. Built once per command, stopped at its end. */
export type Services = {
  readonly db: Db;
  /** Where the service listens, by the settings. */
  readonly url: string;
  readonly record: RecordEvents;
  /** The same within a transaction of the caller. */
  readonly recordWithin: RecordWithin;
  /** Closes what is due at `now` and ended by `until`, and collects it as far as Stripe lets us. */
  readonly closeAndIssue: (
    now: Date,
    until: Second,
    onProgress: (line: string) => void,
  ) => Promise<CloseReport>;
  /**
   * Compares what was metered, billed, booked and collected.
   *
   * @throws Fault `invalid_setting` without a key of Stripe, `account_unknown`.
   */
  readonly reconcile: (accountId: string | undefined) => Promise<Report>;
  readonly stop: () => Promise<void>;
};

export type CloseReport = {
  readonly periods: number;
  readonly invoices: number;
  readonly failures: readonly { readonly account: string; readonly reason: string }[];
};

export type CommandContext = {
  readonly clock: Clock;
  readonly output: Output;
  readonly maxReplicas: number;
  readonly open: () => Promise<Services>;
  /** Answers what was applied and, when told to distribute, which tables moved. */
  readonly migrate: (options: MigrateOptions) => Promise<{
    readonly applied: readonly string[];
    readonly distributed?: readonly string[];
  }>;
  /** The OpenAPI document of /v1. */
  readonly describeApi: () => Promise<unknown>;
  readonly start: () => Promise<number>;
  readonly demo: (options: DemoOptions) => Promise<number>;
};

export type MigrateOptions = { readonly distribute?: true };

export type DemoOptions = { readonly exit?: true; readonly json?: true };
