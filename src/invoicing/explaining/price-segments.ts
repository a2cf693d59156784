import { appCents, databaseCents } from '../../pricing/rates.ts';
import { roundHalfUp, shareOut, times, type Fraction } from '../../values/fraction.ts';
import type { Cents } from '../../values/money.ts';
import type { Period } from '../../values/period.ts';
import { clip, type UsageSegment } from './line-segments.ts';
import type { Stretch } from '../stretches.ts';

/** A segment as it is charged: under one price book, not rounded. */
export type Part = UsageSegment & {
  readonly priceBookId: string;
  readonly units: bigint;
  readonly cents: Fraction;
};

/** Part of a line: `units` and `amountCents` are negative where a correction takes something back. */
export type PricedSegment = UsageSegment & {
  readonly units: bigint;
  readonly amountCents: Cents;
};

export type ExplainedSegments = {
  readonly segments: readonly PricedSegment[];
  /**
   * What of the line no segment accounts for, such as a cent of rounding that a correction only moves between
   * apps.
   */
  readonly rest: { readonly units: bigint; readonly amountCents: Cents } | undefined;
  /** Where the facts are when they are not in the database any more: then there are no segments. */
  readonly archived?: string;
};

/** Cuts segments where prices change, and prices each; what lies outside the charged stretches is left out. */
export function pricedParts(
  kind: 'app' | 'database',
  period: Period,
  stretches: readonly Stretch[],
  segments: readonly UsageSegment[],
): Part[] {
  return segments.flatMap((whole) =>
    stretches.flatMap((stretch) =>
      clip(whole, stretch).map((segment): Part => {
        const { priceBook } = stretch;
        const seconds = segment.to - segment.from;
        const units = segment.level * seconds;
        const { sizeTenths } = segment;
        const cents =
          kind === 'app'
            ? appCents(priceBook, units)
            : databaseCents(priceBook, period, { sizeTenths, seconds });
        return { ...segment, priceBookId: priceBook.id, units, cents };
      }),
    ),
  );
}

/**
 * Shares a line out over its parts, so that they add up to it exactly, in units and in cents (by largest
 * remainder). A correction charges `parts` and takes `billedBefore` back; what is in both cancels out.
 */
export function shareLine(
  line: { readonly quantity: bigint; readonly amountCents: Cents },
  parts: readonly Part[],
  billedBefore: readonly Part[],
): ExplainedSegments {
  const signed = [
    ...without(parts, billedBefore),
    ...without(billedBefore, parts).map((part): Part => ({
      ...part,
      units: -part.units,
      cents: times(part.cents, -1n),
    })),
  ];
  const units = signed.reduce((total, part) => total + part.units, 0n);
  if (units !== line.quantity || signed.length === 0) return partlyExplained(line, signed, units);
  const amounts = shareOut(
    line.amountCents,
    signed.map(({ cents }) => cents),
  );
  return {
    segments: signed.map((part, index) => withAmount(part, amounts[index]!)),
    rest: undefined,
  };
}

function partlyExplained(
  line: { readonly quantity: bigint; readonly amountCents: Cents },
  parts: readonly Part[],
  units: bigint,
): ExplainedSegments {
  const segments = parts.map((part) => withAmount(part, roundHalfUp(part.cents)));
  const amountCents = segments.reduce((total, segment) => total + segment.amountCents, 0n);
  const rest = { units: line.quantity - units, amountCents: line.amountCents - amountCents };
  const isExplained = rest.units === 0n && rest.amountCents === 0n;
  return { segments, rest: isExplained ? undefined : rest };
}

function withAmount(part: Part, amountCents: Cents): PricedSegment {
  const { cents: _, priceBookId: __, ...segment } = part;
  return { ...segment, amountCents };
}

function without(parts: readonly Part[], others: readonly Part[]): Part[] {
  const keyOf = ({ from, to, level, sizeTenths, job, priceBookId }: Part): string =>
    JSON.stringify([String(from), String(to), String(level), sizeTenths, job, priceBookId]);
  const keys = new Set(others.map(keyOf));
  return parts.filter((part) => !keys.has(keyOf(part)));
}
