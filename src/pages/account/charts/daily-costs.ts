import { lastCounted, type Account } from '../../../accounts/account.ts';
import { runningPeriod, type BillPreview } from '../../../invoicing/previews/preview-bill.ts';
import { stretchesOf } from '../../../invoicing/stretches.ts';
import type { UsageQuestion } from '../../../metering/usage/ask-usage.ts';
import type { Window } from '../../../metering/usage/usage.ts';
import { subjectKey, type Line } from '../../../pricing/line.ts';
import type { PriceBook } from '../../../pricing/price-book.ts';
import { appCents, databaseCents } from '../../../pricing/rates.ts';
import { add, shareOut, ZERO, type Fraction } from '../../../values/fraction.ts';
import { earlier, type Second } from '../../../values/instant.ts';
import type { Cents } from '../../../values/money.ts';
import type { Period } from '../../../values/period.ts';

/** Cents of one app or database, by the same positions as the days of `DailyCosts`. */
export type DailySeries = {
  readonly line: Line;
  readonly soFarCents: readonly Cents[];
  /** What comes on top by the end of the period if nothing changes. */
  readonly expectedCents: readonly Cents[];
};

export type DailyCosts = {
  /** Where each day begins: midnight UTC, the first one where the period does. */
  readonly days: readonly Second[];
  readonly series: readonly DailySeries[];
};

const DAY = 86_400n;

/**
 * What each app and database costs on each day of the running period. Days add up to the lines of the bill to
 * the cent: those so far to what was used so far, the rest to what the forecast has on top.
 */
export function dailyCosts(
  account: Account,
  at: Second,
  priceBooks: readonly PriceBook[],
): UsageQuestion<(soFar: BillPreview, forecast: BillPreview) => DailyCosts> {
  const period = runningPeriod(account, at);
  const counted = lastCounted(account, at);
  const past = daysOf({ from: period.start, to: counted });
  const ahead = daysOf({ from: counted, to: lastCounted(account, period.end) });
  const days = daysOf({ from: period.start, to: period.end }).map(({ from }) => from);
  const { windows, answer } = costsOf(account, priceBooks, period, [...past, ...ahead]);
  return {
    windows,
    answer: (usages) => {
      const costs = answer(usages);
      return (soFar, forecast) => {
        const used = new Map(soFar.lines.map((line) => [subjectKey(line), line.amountCents]));
        const series = forecast.lines.map((line): DailySeries => {
          const key = subjectKey(line);
          const known = used.get(key) ?? 0n;
          const parts = costs.map((ofWindow) => ofWindow.get(key) ?? ZERO);
          const soFarParts = shareOut(known, parts.slice(0, past.length));
          const aheadParts = shareOut(line.amountCents - known, parts.slice(past.length));
          return {
            line,
            soFarCents: place(days, past, soFarParts),
            expectedCents: place(days, ahead, aheadParts),
          };
        });
        return { days, series };
      };
    },
  };
}

/** Cut at midnights. */
function daysOf({ from, to }: Window): Window[] {
  const days: Window[] = [];
  for (let start = from; start < to;) {
    const end = earlier(to, (start / DAY + 1n) * DAY);
    days.push({ from: start, to: end });
    start = end;
  }
  return days;
}

function place(
  days: readonly Second[],
  windows: readonly Window[],
  cents: readonly Cents[],
): Cents[] {
  const placed = days.map(() => 0n);
  windows.forEach((window, index) => {
    const day = days.findLastIndex((start) => start <= window.from);
    placed[day] = placed[day]! + cents[index]!;
  });
  return placed;
}

/** What each window costs exactly, by the subject of its line. */
function costsOf(
  account: Account,
  priceBooks: readonly PriceBook[],
  period: Period,
  windows: readonly Window[],
): UsageQuestion<readonly ReadonlyMap<string, Fraction>[]> {
  const charged = windows.flatMap((window, index) =>
    stretchesOf(window, account.upgradedAt, priceBooks).map((stretch) => ({ ...stretch, index })),
  );
  return {
    windows: charged,
    answer: (usages) => {
      const costs = windows.map(() => new Map<string, Fraction>());
      charged.forEach(({ priceBook, index }, position) => {
        const note = (key: string, cents: Fraction): void =>
          void costs[index]!.set(key, add(costs[index]!.get(key) ?? ZERO, cents));
        const { apps, databases } = usages[position]!;
        for (const { app, rssTenths } of apps) {
          note(subjectKey({ kind: 'app', app }), appCents(priceBook, rssTenths));
        }
        for (const database of databases) {
          const cents = databaseCents(priceBook, period, database);
          note(subjectKey({ kind: 'database', ...database }), cents);
        }
      });
      return costs;
    },
  };
}
