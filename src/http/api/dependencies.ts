import type { Db } from '../../database/pool.ts';
import type { ReadAs } from '../../database/row-level-security.ts';
import type { CommandContext } from '../../platform/command.ts';
import type { WaitingContext } from '../../stripe/under-lease.ts';
import type { RateLimits } from '../rate-limits.ts';

export type ApiDependencies = {
  /** For keys alone: whoever waits for something else must not hold up who they are. */
  readonly keysDb: Db;
  readonly commands: CommandContext;
  readonly readAs: ReadAs;
  readonly rateLimits: RateLimits;
  readonly openStripe: () => WaitingContext;
};
