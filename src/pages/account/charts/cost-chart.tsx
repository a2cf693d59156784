import type { VNode } from 'preact';
import { groupBy } from '../../../values/group.ts';
import { toDate, type Second } from '../../../values/instant.ts';
import { Chart, frameOf, HEIGHT, Legend, WIDTH, type Frame } from '../../html/chart.tsx';
import { coordinate, everyNth, niceTicks } from '../../html/scale.ts';
import { formatDay, Name } from '../../html/text.tsx';
import { CostTable } from './cost-table.tsx';
import type { DailyCosts } from './daily-costs.ts';
import { shownSeries, type Shown } from './shown-series.ts';

/** Cost per day, stacked by app and database; what is expected stands paler on the days to come. */
export function CostChart({ daily: { days, series } }: { readonly daily: DailyCosts }): VNode {
  const shown = shownSeries(series);
  const stacks = days.map((_, day) => stackOf(shown, day));
  const ticks = niceTicks(Math.max(...stacks.map(heightOf)) / 100);
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
        formatTick={inDollars(ticks)}
        marks={marks}
      >
        {days.map((day, index) => (
          <Hover key={index} day={day} share={index / days.length} shown={shown} index={index} />
        ))}
        {areasOf(stacks).map(({ tone, bars }) => (
          <path key={tone} class={`area ${tone}`} d={pathOf(bars, days.length, frame)} />
        ))}
      </Chart>
      <Legend
        entries={[
          ...shown.map(({ colour, label }) => ({
            colour,
            label: <Name>{label}</Name>,
          })),
          { colour: 'expected', label: 'faded: expected if nothing changes' },
        ]}
      />
      <details>
        <summary>The same as a table</summary>
        <CostTable days={days} shown={shown} />
      </details>
    </>
  );
}

/** With cents where any step has some. */
function inDollars(ticks: readonly number[]): (tick: number) => string {
  const minimumFractionDigits = ticks.every(Number.isInteger) ? 0 : 2;
  return (tick) => `$${tick.toLocaleString('en-US', { minimumFractionDigits })}`;
}

type Bar = { readonly day: number; readonly from: number; readonly to: number };
/** Part of one day's stack, in cents. */
type Piece = Omit<Bar, 'day'> & { readonly tone: string };

/** What was used stands below what is expected. */
function stackOf(shown: readonly Shown[], day: number): readonly Piece[] {
  const parts = [
    ...shown.map(({ colour, soFarCents }) => ({ tone: colour, cents: soFarCents[day]! })),
    ...shown.map(({ colour, expectedCents }) => ({
      tone: `${colour} expected`,
      cents: expectedCents[day]!,
    })),
  ].filter(({ cents }) => cents > 0n);
  let top = 0;
  return parts.map(({ tone, cents }) => {
    const from = top;
    top += Number(cents);
    return { tone, from, to: top };
  });
}

function heightOf(stack: readonly Piece[]): number {
  return stack.at(-1)?.to ?? 0;
}

/** All bars of one tone together: one path is much shorter than a rectangle for each. */
function areasOf(stacks: readonly (readonly Piece[])[]): { tone: string; bars: readonly Bar[] }[] {
  const pieces = stacks.flatMap((stack, day) => stack.map((piece) => ({ ...piece, day })));
  return [...groupBy(pieces, ({ tone }) => tone)].map(([tone, bars]) => ({ tone, bars }));
}

/** Bars leave this part of their day free. */
const GAP = 0.16;

function pathOf(bars: readonly Bar[], days: number, { x, y }: Frame): string {
  return bars
    .map(({ day, from, to }) => {
      const [left, right] = [x((day + GAP / 2) / days), x((day + 1 - GAP / 2) / days)];
      return `M${left} ${y(from / 100)}V${y(to / 100)}H${right}V${y(from / 100)}z`;
    })
    .join('');
}

/** The day as a whole, with its amounts for the pointer; their names are in the legend. */
function Hover({
  day,
  index,
  share,
  shown,
}: {
  readonly day: Second;
  readonly index: number;
  readonly share: number;
  readonly shown: readonly Shown[];
}): VNode {
  const cents = shown.map((one) => `${one.soFarCents[index]!},${one.expectedCents[index]!}`);
  return (
    <rect
      class="hit"
      data-day={formatDay(day)}
      data-cents={cents.join(' ')}
      x={coordinate(share * WIDTH)}
      width={coordinate(WIDTH / shown[0]!.soFarCents.length)}
      height={HEIGHT}
    />
  );
}

const SHORT_DAY = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
});
