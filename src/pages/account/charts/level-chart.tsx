import type { VNode } from 'preact';
import type { Window } from '../../../metering/usage/usage.ts';
import { later, toDate } from '../../../values/instant.ts';
import { fromTenths } from '../../../values/size.ts';
import { Chart, COLOURS, frameOf, Legend, type Frame } from '../../html/chart.tsx';
import { everyNth, niceTicks } from '../../html/scale.ts';
import { Name } from '../../html/text.tsx';

import type { LevelHistory } from './level-history.ts';
import { resourceKey } from './shown-series.ts';

/** What ran over a window: one line of steps for each app and database, the largest ones. */
export function LevelChart({
  history,
  window,
  colours,
}: {
  readonly history: readonly LevelHistory[];
  /** Those that have one in another picture, by `resourceKey`. */
  readonly colours: ReadonlyMap<string, string>;
  readonly window: Window;
}): VNode {
  const shown = history.toSorted((a, b) => mostOf(b) - mostOf(a)).slice(0, COLOURS + 1);
  const painted = paint(shown, colours);
  if (shown.length === 0) return <p class="empty">Nothing ran in this period.</p>;
  const ticks = niceTicks(Math.max(...shown.map(mostOf)));
  const frame = frameOf(ticks);
  return (
    <>
      <Chart
        label="What ran in this period: size times replicas of each app, size of each database"
        frame={frame}
        ticks={ticks}
        formatTick={(tick) => `${tick.toLocaleString('en-US')} GB`}
        marks={midnightsOf(window).filter(({ share }) => share < 0.97)}
      >
        {painted.map((one) => (
          <path key={one.colour} class={`step ${one.colour}`} d={pathOf(one, window, frame)} />
        ))}
      </Chart>
      <Legend
        entries={painted.map(({ colour, kind, name, steps }) => ({
          colour,
          label: (
            <>
              <Name>{name}</Name>{' '}
              <span class="note">
                {kind}, now {fromTenths(steps.at(-1)!.levelTenths)} GB
              </span>
            </>
          ),
        }))}
      />
      {shown.length < history.length ? (
        <p class="note">
          The largest {shown.length} of {history.length} are drawn.
        </p>
      ) : null}
    </>
  );
}

const DAY = 86_400n;

type Painted = LevelHistory & { readonly colour: string };

/** The same thing in the same colour; the others in those that are left. */
function paint(
  shown: readonly LevelHistory[],
  colours: ReadonlyMap<string, string>,
): readonly Painted[] {
  const keyOf = ({ kind, name }: LevelHistory): string =>
    resourceKey(kind === 'app' ? { kind, app: name } : { kind, database: name });
  const taken = new Set(shown.map((one) => colours.get(keyOf(one))));
  const free = Array.from({ length: COLOURS + 1 }, (_, index) => `c${index}`).filter(
    (colour) => !taken.has(colour),
  );
  return shown.map((one) => ({ ...one, colour: colours.get(keyOf(one)) ?? free.shift()! }));
}

const SHORT_DAY = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
});

/** Where days begin, as many as there is room for. */
function midnightsOf({ from, to }: Window): { share: number; text: string }[] {
  const first = ((from + DAY - 1n) / DAY) * DAY;
  const last = to - 1n;
  const count = last < first ? 0 : Number((last - first) / DAY) + 1;
  return everyNth(count, 8).map((day) => {
    const at = first + BigInt(day) * DAY;
    return { share: Number(at - from) / Number(to - from), text: SHORT_DAY.format(toDate(at)) };
  });
}

function mostOf({ steps }: LevelHistory): number {
  return Math.max(...steps.map(({ levelTenths }) => levelTenths)) / 10;
}

function pathOf({ steps }: LevelHistory, window: Window, { x, y }: Frame): string {
  const seconds = Math.max(1, Number(window.to - window.from));
  const parts = steps.map(({ at, levelTenths }, index) => {
    const share = Number(later(at, window.from) - window.from) / seconds;
    const height = y(fromTenths(levelTenths));
    return index === 0 ? `M${x(share)} ${height}` : `H${x(share)}V${height}`;
  });
  return `${parts.join('')}H${x(1)}`;
}
