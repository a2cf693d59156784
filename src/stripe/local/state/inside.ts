import type { LineItem } from './objects.ts';

/** What only the imitation knows of a payment method or token: how its test card behaves. */
export type CardInside = {
  readonly id: string;
  /** Name in the table of test cards. */
  readonly card: string;
  readonly isDetached: boolean;
  /** Overrides what a charge answers: a decline code, or `succeed`. */
  readonly charges: string | null;
};

/** The lines of an invoice and its one default payment, kept apart because Stripe embeds only ten lines. */
export type InvoiceInside = {
  readonly id: string;
  readonly lines: readonly LineItem[];
  readonly payment: string | null;
};

/** A refund of a test card whose refunds change later; removed once it has. */
export type RefundInside = {
  readonly id: string;
  /** In seconds, of this server's clock. */
  readonly changesAt: number;
};

/** One event still owed to one endpoint; removed once delivered. */
export type Delivery = {
  readonly id: string;
  readonly event: string;
  readonly endpoint: string;
  readonly attempts: number;
  /** Null when no further attempt is made: lost on demand, or all retries used. */
  readonly nextAttemptAtMs: number | null;
};

export type SavedAnswer = {
  readonly id: string;
  readonly savedAtMs: number;
  readonly fingerprint: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
};

/** One request as it arrived, for tests that count calls. */
export type LoggedCall = {
  readonly id: string;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | null;
  /** The body or query as sent. */
  readonly sent: string;
  /** Null when no answer was sent. */
  readonly status: number | null;
  readonly hasRun: boolean;
  readonly isReplay: boolean;
  readonly fault: string | null;
  readonly requestId: string;
};
