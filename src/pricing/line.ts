import type { Cents } from '../values/money.ts';
import { formatTenths } from '../values/size.ts';

/** One row of an invoice for usage: an app with its jobs, or a database at one size. */
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

/** What a line is about, whatever period it belongs to. */
export type LineSubject =
  | { readonly kind: 'app'; readonly app: string }
  | {
      readonly kind: 'database';
      readonly app: string;
      readonly database: string;
      readonly sizeTenths: number;
    };

export function subjectKey(subject: LineSubject): string {
  return subject.kind === 'app'
    ? JSON.stringify(['app', subject.app])
    : JSON.stringify(['database', subject.database, subject.sizeTenths]);
}

/** The charged quantity in the unit of its meter: tenths of replica-size-seconds, or seconds. */
export function quantityOf(line: Line): bigint {
  return line.kind === 'app' ? line.rssTenths : line.seconds;
}

/** `1339200 replica-size-seconds`, `86400 s` */
export function formatQuantity(kind: LineSubject['kind'], quantity: bigint): string {
  return kind === 'app' ? `${formatTenths(quantity)} replica-size-seconds` : `${quantity} s`;
}

export function totalOf(lines: readonly { readonly amountCents: Cents }[]): Cents {
  return lines.reduce((total, line) => total + line.amountCents, 0n);
}
