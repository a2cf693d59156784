import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';
import type { Call, Gateway, Refusal } from './gateway.ts';
import type { OperationName, OperationRow } from './operation-store.ts';

/**
 * What the verbs of this folder work with. `atPoint` is told every point at which a crash would leave
 * something half done; tests kill the process there.
 */
export type StripeContext = {
  readonly db: Db;
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly atPoint?: (label: string) => void | Promise<void>;
};

/**
 * Every kind of call that changes something at Stripe. The crash test kills a process around each of them,
 * so one that is missing here cannot be made.
 */
export const OPERATION_STEPS = [
  'customer',
  'draft',
  'lines',
  'finalize',
  'pay',
  'credit_note',
  'card',
  'attach',
  'default_card',
  'detach',
  'checkout',
] as const;

/** A number tells repetitions for the same subject apart. */
export type OperationStep =
  (typeof OPERATION_STEPS)[number] | `${(typeof OPERATION_STEPS)[number]}${number}`;

/** One call that changes something at Stripe, made so that it happens once whatever fails. */
export type Operation<R> = OperationName & {
  readonly step: OperationStep;
  /** The call to freeze. Runs in the transaction before the first send of each generation. */
  readonly plan: (tx: Db) => Promise<Call>;
  /** Undefined when the answer is none we understand; also reads back its own JSON. */
  readonly parse: (body: unknown) => R | undefined;
  /** Finds out from Stripe whether the call ever ran. May throw `Unanswered`. */
  readonly look: (sent: OperationRow | undefined) => Promise<Look<R>>;
  /** True when even the first send must be preceded by a look: an earlier life may have sent it. */
  readonly isLookedUpFirst?: boolean;
  /** Refusals such as "already paid", which say that the aim may be reached: look before believing. */
  readonly isDoubtful?: (refusal: Refusal) => boolean;
  /** True when Stripe took the call but has not decided yet: looked at later, not sent again. */
  readonly isPending?: (result: R) => boolean;
  /** What follows for us, in the same transaction as the result. Must be safe to repeat. */
  readonly save: (tx: Db, result: R) => Promise<void>;
  readonly refuse: (tx: Db, refusal: Refusal) => Promise<void>;
};

export type Look<R> =
  | { readonly found: R }
  /** `refusal`: it ran and was refused. */
  | { readonly refused: Refusal }
  | { readonly waitMs: number; readonly reason: string }
  | 'absent';

export type Outcome<R> =
  | { readonly outcome: 'done'; readonly result: R }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  | Later;

/** Nothing is decided; the same step again after `waitMs`. */
export type Later = {
  readonly outcome: 'later';
  readonly waitMs: number;
  readonly reason: string;
  readonly isBarred?: boolean;
};

/** The moments of an operation at which a crash test stops: around both transactions and the call. */
export const OPERATION_MOMENTS = ['begin', 'planned', 'answered', 'saved'] as const;
