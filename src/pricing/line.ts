import type { Cents } from '../values/money.ts';

/** One row of an invoice: an app with its jobs, or a database at one size. */
export type Line = AppLine | DatabaseLine;

export type AppLine = {
  readonly kind: 'app';
  readonly app: string;
  /** Charged replica-size-seconds in tenths. */
  readonly rssTenths: bigint;
  readonly description: string;
  readonly amountCents: Cents;
};

export type DatabaseLine = {
  readonly kind: 'database';
  readonly app: string;
  readonly database: string;
  readonly sizeTenths: number;
  /** Charged seconds. */
  readonly seconds: bigint;
  readonly description: string;
  readonly amountCents: Cents;
};

export function totalOf(lines: readonly { readonly amountCents: Cents }[]): Cents {
  return lines.reduce((total, line) => total + line.amountCents, 0n);
}
