import type { ReadAs } from '../../database/row-level-security.ts';
import type { CommandContext } from '../../platform/command.ts';
import type { WaitingContext } from '../../stripe/under-lease.ts';
import type { RateLimits } from '../rate-limits.ts';

export type ApiDependencies = {
  readonly commands: CommandContext;
  readonly readAs: ReadAs;
  readonly rateLimits: RateLimits;
  readonly openStripe: () => WaitingContext;
};
