import assert from 'node:assert/strict';
import type { Db } from '../src/database/pool.ts';
import { usageOf } from '../src/metering/usage/usage-store.ts';
import { END, SIGNED_UP, type Report } from './reports.ts';

/**
 * A second meter: it keeps every report and adds up level × seconds from one to the next. It shares nothing
 * with the product but the reports.
 */
export type Oracle = {
  readonly heard: (reports: readonly Report[]) => void;
  /** Fails unless the meter holds exactly what was reported, to the unit, for every account heard of. */
  readonly check: (db: Db) => Promise<void>;
};

type Change = { readonly at: number; readonly id: string; readonly level: number };

export function newOracle(): Oracle {
  const series = new Map<string, Change[]>();
  const ids = new Set<string>();
  return {
    heard: (reports) => {
      for (const { id, time, data } of reports) {
        if (data.app === undefined || ids.has(id)) continue;
        ids.add(id);
        const key = `${data.account} ${data.app}`;
        const change = {
          at: Date.parse(time) / 1000,
          id,
          level: Math.round(data.replicas! * data.size! * 10),
        };
        const changes = series.get(key);
        if (changes === undefined) series.set(key, [change]);
        else changes.push(change);
      }
    },
    check: async (db) => {
      const expected = new Map(
        [...series]
          .map(([key, changes]) => [key, integral(changes)] as const)
          .filter(([, units]) => units > 0n),
      );
      const accounts = [...new Set([...series.keys()].map((key) => key.split(' ')[0]!))];
      const metered = new Map<string, bigint>();
      for (let from = 0; from < accounts.length; from += 1000) {
        const asked = accounts.slice(from, from + 1000);
        const window = { from: BigInt(SIGNED_UP), to: BigInt(END) };
        const usages = await usageOf(
          db,
          asked.map((account) => ({ account, ...window })),
        );
        usages.forEach(({ apps }, index) => {
          for (const { app, rssTenths } of apps) metered.set(`${asked[index]} ${app}`, rssTenths);
        });
      }
      assert.equal(metered.size, expected.size, 'series with usage');
      for (const [key, units] of expected) assert.equal(metered.get(key), units, key);
    },
  };
}

function integral(changes: readonly Change[]): bigint {
  const sorted = changes.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  return sorted.reduce((sum, { at, level }, index) => {
    const until = sorted[index + 1]?.at ?? END;
    return sum + BigInt(level) * BigInt(until - at);
  }, 0n);
}
