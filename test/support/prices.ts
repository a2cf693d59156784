import fc from 'fast-check';
import type { AccountPriceContent } from '../../src/pricing/account-price.ts';
import type { PriceBookContent } from '../../src/pricing/price-book.ts';
import type { Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { DOCUMENTED_ERA, type OracleEra } from './oracle.ts';

/** Prices in the oracle's units, for writing them down in either way. */
export type Prices = Omit<OracleEra, 'from'>;

export type Book = { readonly from: Second; readonly prices: Prices };

export type OwnPrice = {
  readonly from: Second;
  readonly to: Second | undefined;
  readonly replicaSizeSecond: bigint | undefined;
  readonly databaseMonth: ReadonlyMap<number, bigint>;
};

export const prices: fc.Arbitrary<Prices> = fc
  .record({
    replicaSizeSecond: fc.bigInt(0n, 5_000_000n),
    percent: fc.bigInt(0n, 250n),
    monthSeconds: fc.constantFrom(undefined, undefined, 2_678_400n),
  })
  .map(({ replicaSizeSecond, percent, monthSeconds }) => ({
    replicaSizeSecond,
    monthSeconds,
    databaseMonth: new Map(
      [...DOCUMENTED_ERA.databaseMonth].map(([size, cents]) => [size, (cents * percent) / 100n]),
    ),
  }));

/** Instants of an account's first months, biased to the boundaries of its periods; each once, in order. */
export function instants(signedUpAt: Second, most: number): fc.Arbitrary<Second[]> {
  const near = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 1, -1, 43_200));
  const anywhere = fc.tuple(fc.constant(0), fc.integer({ min: 1, max: 95 * 86_400 }));
  return fc
    .uniqueArray(
      fc
        .oneof(near, anywhere)
        .map(([month, offset]) => boundary(signedUpAt, month) + BigInt(offset)),
      { maxLength: most },
    )
    .map((all) => all.filter((at) => at >= signedUpAt).toSorted((a, b) => (a < b ? -1 : 1)));
}

export function books(signedUpAt: Second): fc.Arbitrary<Book[]> {
  return instants(signedUpAt, 2).chain((all) =>
    fc.tuple(...all.map((from) => prices.map((one) => ({ from, prices: one })))),
  );
}

/** Prices of one account that do not overlap; the last may be until further notice. */
export function ownPrices(signedUpAt: Second): fc.Arbitrary<OwnPrice[]> {
  const some = fc.record({
    replicaSizeSecond: fc.option(fc.bigInt(0n, 3_000_000n), { nil: undefined }),
    size: fc.constantFrom(6, 17, 40, 1280),
    cents: fc.bigInt(0n, 2_000_000n),
    isHeld: fc.boolean(),
  });
  return instants(signedUpAt, 4).chain((cuts) =>
    fc.tuple(...cuts.map(() => some)).map((each) =>
      each.flatMap(({ replicaSizeSecond, size, cents, isHeld }, index): OwnPrice[] => {
        if (!isHeld) return [];
        const databaseMonth = new Map([[size, cents]]);
        return [{ from: cuts[index]!, to: cuts[index + 1], replicaSizeSecond, databaseMonth }];
      }),
    ),
  );
}

/** What an account pays from when on, told to the oracle. */
export function erasOf(listed: readonly Book[], own: readonly OwnPrice[]): OracleEra[] {
  const changes = [
    0n,
    ...listed.map(({ from }) => from),
    ...own.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to])),
  ];
  return [...new Set(changes)]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((at) => {
      let era: OracleEra = { ...DOCUMENTED_ERA, from: Number(at) };
      for (const { from, prices: later } of listed) if (from <= at) era = { ...era, ...later };
      for (const { from, to, replicaSizeSecond, databaseMonth } of own) {
        if (at < from || (to !== undefined && at >= to)) continue;
        era = {
          ...era,
          replicaSizeSecond: replicaSizeSecond ?? era.replicaSizeSecond,
          databaseMonth: new Map([...era.databaseMonth, ...databaseMonth]),
        };
      }
      return era;
    });
}

export function bookContent({
  replicaSizeSecond,
  databaseMonth,
  monthSeconds,
}: Prices): PriceBookContent {
  return {
    replica_size_second_usd: perSecond(replicaSizeSecond),
    database_month_usd: perMonth(databaseMonth),
    month: monthSeconds === undefined ? 'billing_period' : { seconds: Number(monthSeconds) },
    minimum_charge_cents: 50,
  };
}

export function ownContent({ replicaSizeSecond, databaseMonth }: OwnPrice): AccountPriceContent {
  return {
    ...(replicaSizeSecond === undefined
      ? {}
      : { replica_size_second_usd: perSecond(replicaSizeSecond) }),
    database_month_usd: perMonth(databaseMonth),
  };
}

function perSecond(units: bigint): string {
  return `0.${units.toString().padStart(11, '0')}`;
}

function perMonth(cents: ReadonlyMap<number, bigint>): Record<string, string> {
  return Object.fromEntries(
    [...cents].map(([size, amount]) => {
      const usd = `${amount / 100n}.${(amount % 100n).toString().padStart(2, '0')}`;
      return [String(size / 10), usd];
    }),
  );
}
