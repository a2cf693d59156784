import type { VNode } from 'preact';
import { formatCents, type Cents } from '../../../values/money.ts';
import { formatDay, Name, shortened } from '../../html/text.tsx';
import type { DailyCosts } from './daily-costs.ts';
import { sumOf, type Shown } from './shown-series.ts';

/** A plain table, in small letters of its own: many numbers. */
export function CostTable({
  days,
  shown,
}: {
  readonly days: DailyCosts['days'];
  readonly shown: readonly Shown[];
}): VNode {
  const sums = (pick: (one: Shown) => readonly Cents[]): Cents[] =>
    days.map((_, day) => sumOf(shown.map((one) => pick(one)[day]!)));
  const columns = [
    ...shown.map((one) => ({
      title: <Name>{shortened(one.label)}</Name>,
      cents: days.map((_, day) => one.soFarCents[day]! + one.expectedCents[day]!),
    })),
    { title: 'So far', cents: sums((one) => one.soFarCents) },
    { title: 'Expected', cents: sums((one) => one.expectedCents) },
  ];
  return (
    <div class="scroll" role="region" aria-label="Cost per day" tabIndex={0}>
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">Day</th>
            {columns.map(({ title }, index) => (
              <th key={index} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((day, index) => (
            <tr key={index}>
              <th scope="row">{formatDay(day)}</th>
              {columns.map(({ cents }, column) => (
                <td key={column}>{formatCents(cents[index]!)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
