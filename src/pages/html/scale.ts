/** Round steps from 0 that cover `most`: at most five, at least one. */
export function niceTicks(most: number): readonly number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * magnitude >= rough)!;
  const step = factor * magnitude;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Coordinates with one decimal: more is not seen, and costs bytes. */
export function coordinate(value: number): number {
  return Math.round(value * 10) / 10;
}

/** At most `most` of the positions 0 … count − 1, evenly, the first among them. */
export function everyNth(count: number, most: number): readonly number[] {
  const step = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);
}
