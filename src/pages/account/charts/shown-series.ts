import type { Line } from '../../../pricing/line.ts';
import type { Cents } from '../../../values/money.ts';
import { fromTenths } from '../../../values/size.ts';
import { COLOURS } from '../../html/chart.tsx';
import { isolated } from '../../html/text.tsx';
import type { DailySeries } from './daily-costs.ts';

/** Daily costs of an app or database, or of several together, as they are drawn. */
export type Shown = Omit<DailySeries, 'line'> & { readonly colour: string; readonly label: string };

/** The dearest by colour, the rest together. */
export function shownSeries(series: readonly DailySeries[]): Shown[] {
  const byCost = series.toSorted(byAmount);
  const own = byCost.length > COLOURS + 1 ? byCost.slice(0, COLOURS) : byCost;
  const others = byCost.slice(own.length);
  const shown = own.map((one, index) => ({
    soFarCents: one.soFarCents,
    expectedCents: one.expectedCents,
    colour: `c${index}`,
    label: labelOf(one.line),
  }));
  if (others.length === 0) return shown;
  const together = (pick: (one: DailySeries) => readonly Cents[]): Cents[] =>
    others[0]!.soFarCents.map((_, day) => sumOf(others.map((one) => pick(one)[day]!)));
  return [
    ...shown,
    {
      soFarCents: together((one) => one.soFarCents),
      expectedCents: together((one) => one.expectedCents),
      colour: `c${COLOURS}`,
      label: `${others.length} others`,
    },
  ];
}

function labelOf(line: Line): string {
  if (line.kind === 'app') return isolated(line.app);
  return `${isolated(line.database)} (${fromTenths(line.sizeTenths)})`;
}

/** The colour of each app and database in the picture, by its dearest series. */
export function coloursOf(series: readonly DailySeries[]): ReadonlyMap<string, string> {
  const byCost = series.toSorted(byAmount).slice(0, COLOURS);
  return new Map(
    byCost.map(({ line }, index) => [resourceKey(line), `c${index}`] as const).toReversed(),
  );
}

export function resourceKey(resource: {
  readonly kind: 'app' | 'database';
  readonly app?: string;
  readonly database?: string;
}): string {
  return JSON.stringify([
    resource.kind,
    resource.kind === 'app' ? resource.app : resource.database,
  ]);
}

function byAmount(a: DailySeries, b: DailySeries): number {
  return Number(b.line.amountCents - a.line.amountCents);
}

export function sumOf(cents: readonly Cents[]): Cents {
  return cents.reduce((total, one) => total + one, 0n);
}
