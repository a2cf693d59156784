import type { ComponentChildren, VNode } from 'preact';
import { coordinate } from './scale.ts';

/** The drawing area as the style sheet stretches it to whatever room there is. */
export const WIDTH = 1000;
export const HEIGHT = 200;

/** How many series have a colour of their own. */
export const COLOURS = 5;

export type Frame = {
  readonly x: (share: number) => number;
  readonly y: (value: number) => number;
};

/** Maps shares of the width and values up to the last tick into the picture. */
export function frameOf(ticks: readonly number[]): Frame {
  const most = ticks.at(-1)!;
  return {
    x: (share) => coordinate(share * WIDTH),
    y: (value) => coordinate(HEIGHT - (value / most) * HEIGHT),
  };
}

/**
 * The picture with its axes; `label` says to those who do not see it what it shows. Lines and areas are
 * stretched, letters are not: so it fits a phone as well as a wide screen.
 */
export function Chart({
  label,
  frame,
  ticks,
  formatTick,
  marks,
  children,
}: {
  readonly label: string;
  readonly frame: Frame;
  /** From 0 on, in equal steps. */
  readonly ticks: readonly number[];
  readonly formatTick: (tick: number) => string;
  /** Where along the width something is written below. */
  readonly marks: readonly { readonly share: number; readonly text: string }[];
  readonly children: ComponentChildren;
}): VNode {
  return (
    <div class="chart" role="img" aria-label={label}>
      <ol class="ticks">
        {ticks.toReversed().map((tick) => (
          <li key={tick}>{formatTick(tick)}</li>
        ))}
      </ol>
      <svg class="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
        <path class="grid" d={ticks.map((tick) => `M0 ${frame.y(tick)}H${WIDTH}`).join('')} />
        {children}
      </svg>
      <svg class="marks">
        {marks.map(({ share, text }) => (
          <text key={share} x={`${(share * 100).toFixed(1)}%`} y="14">
            {text}
          </text>
        ))}
      </svg>
    </div>
  );
}

/** What is drawn in which colour. */
export function Legend({
  entries,
}: {
  readonly entries: readonly { readonly colour: string; readonly label: ComponentChildren }[];
}): VNode {
  return (
    <ul class="legend">
      {entries.map(({ colour, label }) => (
        <li key={colour}>
          <svg viewBox="0 0 12 12" aria-hidden="true">
            <rect class={colour} width="12" height="12" rx="2" />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  );
}
