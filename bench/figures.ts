/** One line of the result: what was measured, against which limit of the same run, and the ratio to reach. */
export type Figure = {
  readonly scenario: string;
  readonly what: string;
  /** With their units, for people. */
  readonly measured: string;
  readonly limit: string;
  readonly ratio?: number;
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
};

export function isReached({ ratio, target }: Figure): boolean | undefined {
  if (ratio === undefined || target === undefined) return undefined;
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

const TITLES = ['', 'what', 'measured', 'limit', 'ratio', 'target', ''] as const;

export function tableOf(figures: readonly Figure[]): string {
  const rows = [[...TITLES], ...figures.map(cellsOf)];
  const widths = TITLES.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf(figure: Figure): string[] {
  const { scenario, what, measured, limit, ratio, target } = figure;
  const reached = isReached(figure);
  return [
    scenario,
    what,
    measured,
    limit,
    ratio === undefined ? '' : format(ratio),
    target === undefined ? '' : 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`,
    reached === undefined ? '' : reached ? 'reached' : 'MISSED',
  ];
}

/** Three figures are as many as a run repeats. */
export function format(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
