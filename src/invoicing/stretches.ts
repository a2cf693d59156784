import type { Window } from '../metering/usage/usage.ts';
import type { PriceBook } from '../pricing/price-book.ts';
import { earlier, later, type Second } from '../values/instant.ts';

/** A charged part of a period under one price book: [from, to). */
export type Stretch = Window & { readonly priceBook: PriceBook };

/**
 * Cuts a window of an account into the stretches that are charged: from its upgrade on (R26), one per price
 * book in force. None for an account in the FREE tier (R18). `priceBooks` are in order of their instants,
 * the first of them in force since ever.
 */
export function stretchesOf(
  window: Window,
  upgradedAt: Second | undefined,
  priceBooks: readonly PriceBook[],
): Stretch[] {
  if (upgradedAt === undefined) return [];
  const from = later(window.from, upgradedAt);
  return priceBooks
    .map((priceBook, index) => {
      const next = priceBooks[index + 1]?.effectiveAt;
      return {
        priceBook,
        from: index === 0 ? from : later(from, priceBook.effectiveAt),
        to: next === undefined ? window.to : earlier(window.to, next),
      };
    })
    .filter((stretch) => stretch.from < stretch.to);
}
