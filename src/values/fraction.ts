/**
 * An exact rational number. Prices and shares of a month are rationals (price × seconds ÷ seconds of the
 * period), so nothing is lost before the one rounding, however many of them are added. Denominators are
 * positive and not reduced: a handful of terms never grows large.
 */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

export const ZERO: Fraction = { numerator: 0n, denominator: 1n };

/** `denominator` must be positive. */
export function fraction(numerator: bigint, denominator: bigint): Fraction {
  return { numerator, denominator };
}

/** Reads a plain decimal such as '0.00001866786' exactly; undefined when the text is none. */
export function parseDecimal(text: string): Fraction | undefined {
  const match = /^(\d{1,18})(?:\.(\d{1,30}))?$/.exec(text);
  if (match === null) return undefined;
  const decimals = match[2] ?? '';
  return fraction(BigInt(`${match[1]}${decimals}`), 10n ** BigInt(decimals.length));
}

export function add(a: Fraction, b: Fraction): Fraction {
  if (a.denominator === b.denominator) {
    return fraction(a.numerator + b.numerator, a.denominator);
  }
  return fraction(
    a.numerator * b.denominator + b.numerator * a.denominator,
    a.denominator * b.denominator,
  );
}

export function times(a: Fraction, factor: bigint): Fraction {
  return fraction(a.numerator * factor, a.denominator);
}

export function sum(terms: readonly Fraction[]): Fraction {
  return terms.reduce(add, ZERO);
}

/** To the nearest whole number, a half upwards (R3). */
export function roundHalfUp(a: Fraction): bigint {
  return floorDivide(2n * a.numerator + a.denominator, 2n * a.denominator);
}

/**
 * Rounds the sum half up, once, and hands the whole parts out by largest remainder, so that the rows add
 * up to the rounded sum exactly (R4). Of equal remainders the earlier row gets the unit.
 */
export function roundTogether(terms: readonly Fraction[]): bigint[] {
  return shareOut(roundHalfUp(sum(terms)), terms);
}

/**
 * Whole parts of the terms that add up to `total`, by largest remainder: what the parts rounded down leave of
 * it goes to the largest remainders first, and what they exceed it by comes off the smallest first.
 */
export function shareOut(total: bigint, terms: readonly Fraction[]): bigint[] {
  const whole = terms.map((term) => floorDivide(term.numerator, term.denominator));
  let left = total - whole.reduce((a, b) => a + b, 0n);
  const byRemainder = terms
    .map((term, index) => ({
      index,
      remainder: fraction(term.numerator - whole[index]! * term.denominator, term.denominator),
    }))
    .toSorted((a, b) => compare(b.remainder, a.remainder) || a.index - b.index);
  const step = left < 0n ? -1n : 1n;
  const order = left < 0n ? byRemainder.toReversed() : byRemainder;
  for (let turn = 0; left !== 0n && order.length > 0; turn += 1) {
    whole[order[turn % order.length]!.index]! += step;
    left -= step;
  }
  return whole;
}

/** As a decimal with so many decimals, half up: '0.033602'. For showing; not negative. */
export function formatFraction(a: Fraction, decimals: number): string {
  const scaled = roundHalfUp(times(a, 10n ** BigInt(decimals))).toString();
  const digits = scaled.padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function compare(a: Fraction, b: Fraction): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
