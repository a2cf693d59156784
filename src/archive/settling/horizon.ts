import type { Account } from '../../accounts/account.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { later, type Second } from '../../values/instant.ts';
import { boundary, periodAt } from '../../values/period.ts';

/**
 * The first instant whose facts any bill of an account can still depend on: the start of the oldest period that
 * corrections on its next invoice reach back to (R60), by the book that corrects furthest. `closeAt` is the end of
 * its oldest open period; without one, what follows its deletion counts. Not before the sign-up.
 */
export function horizonOf(
  { signedUpAt, deletedAt }: Pick<Account, 'signedUpAt' | 'deletedAt'>,
  closeAt: Second | undefined,
  priceBooks: readonly PriceBook[],
): Second {
  const next =
    closeAt === undefined ? (deletedAt ?? signedUpAt) : periodAt(signedUpAt, closeAt - 1n).start;
  const months = Math.max(...priceBooks.map(({ correctedMonths }) => correctedMonths));
  const from = later(signedUpAt, boundary(next, -months));
  return periodAt(signedUpAt, from).start;
}
