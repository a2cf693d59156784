import type { ComponentChildren, VNode } from 'preact';
import { coordinate } from './scale.ts';

/** A drawing area in a picture of fixed size, which the style sheet scales. */
export const WIDTH = 760;
export const HEIGHT = 240;
const LEFT = 56;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 26;

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
    x: (share) => coordinate(LEFT + share * (WIDTH - LEFT - RIGHT)),
    y: (value) => coordinate(HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM)),
  };
}

/** The picture with its axes; `label` says to those who do not see it what it shows. */
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
  readonly ticks: readonly number[];
  readonly formatTick: (tick: number) => string;
  /** Where along the width something is written below. */
  readonly marks: readonly { readonly share: number; readonly text: string }[];
  readonly children: ComponentChildren;
}): VNode {
  return (
    <div class="chart" role="region" aria-label={label} tabIndex={0}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={frame.y(tick)} y2={frame.y(tick)} />
            <text class="axis end" x={LEFT - 8} y={frame.y(tick) + 4}>
              {formatTick(tick)}
            </text>
          </g>
        ))}
        {marks.map(({ share, text }) => (
          <text key={share} class="axis" x={frame.x(share)} y={HEIGHT - 8}>
            {text}
          </text>
        ))}
        {children}
      </svg>
    </div>
  );
}

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
