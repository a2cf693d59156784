import {
  formatQuantity,
  quantityOf,
  subjectKey,
  type Line,
  type LineSubject,
} from '../pricing/line.ts';
import { formatSecond, type Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { fromTenths } from '../values/size.ts';

/** A line that corrects an earlier period; quantity and amount are differences (R60). */
export type AdjustmentLine = {
  readonly kind: 'adjustment';
  readonly subject: LineSubject;
  readonly periodStart: Second;
  readonly quantity: bigint;
  readonly description: string;
  readonly amountCents: Cents;
};

/** What all invoices so far billed for one subject and period, corrections included. */
export type Billed = {
  readonly subject: LineSubject;
  readonly quantity: bigint;
  readonly amountCents: Cents;
};

/**
 * The lines that bring a closed period from what was billed to what it costs by all that is known now, each
 * rounded as at a close: whatever was billed in between, the totals converge to the cent.
 */
export function adjustPeriod(
  period: { readonly start: Second; readonly end: Second },
  billed: readonly Billed[],
  now: readonly Line[],
): AdjustmentLine[] {
  const before = new Map(billed.map((one) => [subjectKey(one.subject), one]));
  const after = new Map(now.map((line) => [subjectKey(line), line]));
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((key) => {
    const was = before.get(key);
    const is = after.get(key);
    const subject = was?.subject ?? subjectOf(is!);
    const [billedQuantity, quantity] = [
      was?.quantity ?? 0n,
      is === undefined ? 0n : quantityOf(is),
    ];
    const amountCents = (is?.amountCents ?? 0n) - (was?.amountCents ?? 0n);
    if (quantity === billedQuantity && amountCents === 0n) return [];
    const description =
      `Correction of ${formatSecond(period.start)} – ${formatSecond(period.end)}, ` +
      `${nameOf(subject)}: ${formatQuantity(subject.kind, quantity)} ` +
      `instead of ${formatQuantity(subject.kind, billedQuantity)}`;
    return [
      {
        kind: 'adjustment',
        subject,
        periodStart: period.start,
        quantity: quantity - billedQuantity,
        description,
        amountCents,
      },
    ];
  });
}

function subjectOf(line: Line): LineSubject {
  if (line.kind === 'app') return { kind: 'app', app: line.app };
  const { kind, app, database, sizeTenths } = line;
  return { kind, app, database, sizeTenths };
}

function nameOf(subject: LineSubject): string {
  return subject.kind === 'app'
    ? `app ${subject.app}`
    : `database ${subject.database}, size ${fromTenths(subject.sizeTenths)}`;
}
