import type { VNode } from 'preact';
import type { Line } from '../../pricing/line.ts';
import { toDate } from '../../values/instant.ts';
import { formatCents, type Cents } from '../../values/money.ts';
import { fromTenths } from '../../values/size.ts';
import { Chart, COLOURS, frameOf, Legend } from '../html/chart.tsx';
import { Table } from '../html/parts.tsx';
import { everyNth, niceTicks } from '../html/scale.ts';
import { formatDay, Money } from '../html/text.tsx';
import type { DailyCosts, DailySeries } from './daily-costs.ts';

type Shown = Omit<DailySeries, 'line'> & { readonly colour: string; readonly label: string };

/** Cost per day, stacked by app and database; what is expected stands paler on the days to come. */
export function CostChart({ daily: { days, series } }: { readonly daily: DailyCosts }): VNode {
  const shown = shownSeries(series);
  const totals = days.map((_, day) =>
    Number(
      shown.reduce((total, one) => total + one.soFarCents[day]! + one.expectedCents[day]!, 0n),
    ),
  );
  const ticks = niceTicks(Math.max(...totals) / 100);
  const frame = frameOf(ticks);
  const marks = everyNth(days.length, 8).map((day) => ({
    share: (day + 0.5) / days.length,
    text: SHORT_DAY.format(toDate(days[day]!)),
  }));
  return (
    <>
      <Chart
        label="Cost per day of this period, by app and database; the table below has the numbers"
        frame={frame}
        ticks={ticks}
        formatTick={(tick) => `$${tick.toLocaleString('en-US')}`}
        marks={marks}
      >
        {days.map((day, index) => (
          <DayBar
            key={index}
            label={formatDay(day)}
            share={[index / days.length, (index + 1) / days.length]}
            frame={frame}
            parts={partsOf(shown, index)}
          />
        ))}
      </Chart>
      <Legend
        entries={shown.map(({ colour, label }) => ({
          colour,
          label: <span class="name">{label}</span>,
        }))}
      />
      <details>
        <summary>The same as a table</summary>
        <CostTable days={days} shown={shown} />
      </details>
    </>
  );
}

type Part = {
  readonly colour: string;
  readonly label: string;
  readonly cents: Cents;
  readonly isExpected: boolean;
};

function partsOf(shown: readonly Shown[], day: number): Part[] {
  return shown
    .flatMap(({ colour, label, soFarCents, expectedCents }): Part[] => [
      { colour, label, cents: soFarCents[day]!, isExpected: false },
      { colour, label, cents: expectedCents[day]!, isExpected: true },
    ])
    .toSorted((a, b) => Number(a.isExpected) - Number(b.isExpected))
    .filter(({ cents }) => cents > 0n);
}

/** Bars leave this part of their day free. */
const GAP = 0.16;

function DayBar({
  label,
  share: [from, to],
  frame,
  parts,
}: {
  readonly label: string;
  readonly share: readonly [number, number];
  readonly frame: ReturnType<typeof frameOf>;
  readonly parts: readonly Part[];
}): VNode {
  const inset = ((to - from) * GAP) / 2;
  const [left, right] = [frame.x(from + inset), frame.x(to - inset)];
  let height = 0;
  const bars = parts.map(({ colour, cents, isExpected }, index) => {
    const bottom = frame.y(height);
    height += Number(cents) / 100;
    const top = frame.y(height);
    const tone = isExpected ? `${colour} expected` : colour;
    return (
      <rect
        key={index}
        class={tone}
        x={left}
        y={top}
        width={(right - left).toFixed(1)}
        height={(bottom - top).toFixed(1)}
      />
    );
  });
  const total = parts.reduce((sum, { cents }) => sum + cents, 0n);
  const tip = [
    `${label}: ${formatCents(total)}`,
    ...parts.map(
      (part) => `${part.label} ${formatCents(part.cents)}${part.isExpected ? ' expected' : ''}`,
    ),
  ].join('\n');
  return (
    <g class="day" data-tip={tip}>
      <rect
        class="hit"
        x={frame.x(from)}
        y={0}
        width={(frame.x(to) - frame.x(from)).toFixed(1)}
        height={frame.y(0)}
      />
      {bars}
    </g>
  );
}

function CostTable({
  days,
  shown,
}: {
  readonly days: DailyCosts['days'];
  readonly shown: readonly Shown[];
}): VNode {
  const right = { align: 'right' } as const;
  return (
    <Table
      label="Cost per day"
      columns={[
        { title: 'Day' },
        ...shown.map(({ label }) => ({ title: label, ...right })),
        { title: 'So far', ...right },
        { title: 'Expected', ...right },
      ]}
      rows={days.map((day, index) => [
        formatDay(day),
        ...shown.map((one) => <Money cents={one.soFarCents[index]! + one.expectedCents[index]!} />),
        <Money cents={sumOf(shown.map((one) => one.soFarCents[index]!))} />,
        <Money cents={sumOf(shown.map((one) => one.expectedCents[index]!))} />,
      ])}
      empty="No days"
    />
  );
}

const SHORT_DAY = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
});

/** The dearest by colour, the rest together. */
function shownSeries(series: readonly DailySeries[]): Shown[] {
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

/** Names in characters that keep their direction to themselves, also where there is no markup. */
function labelOf(line: Line): string {
  if (line.kind === 'app') return isolated(line.app);
  return `${isolated(line.database)} (${fromTenths(line.sizeTenths)})`;
}

function isolated(name: string): string {
  return `\u2068${name}\u2069`;
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

function sumOf(cents: readonly Cents[]): Cents {
  return cents.reduce((total, one) => total + one, 0n);
}
