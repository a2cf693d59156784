import type { Account } from '../../accounts/account.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { earlier, later, type Second } from '../../values/instant.ts';
import { boundary, periodAt } from '../../values/period.ts';

/**
 * The first instant whose facts any bill of an account can still depend on: the start of the oldest period that
 * corrections on its next invoice reach back to (R60), by the book that corrects furthest. `closeAt` is the end of
 * its oldest open period. An account that is deleted has none: facts that come now are corrected with the period of
 * now, and once that does not reach back to the deletion any more, all of it is settled. Not before the sign-up.
 */
export function horizonOf(
  { signedUpAt, deletedAt }: Pick<Account, 'signedUpAt' | 'deletedAt'>,
  { closeAt, now }: { readonly closeAt: Second | undefined; readonly now: Second },
  priceBooks: readonly PriceBook[],
): Second {
  const next = periodAt(signedUpAt, later(signedUpAt, (closeAt ?? now) - 1n)).start;
  const months = Math.max(...priceBooks.map(({ correctedMonths }) => correctedMonths));
  const from = later(signedUpAt, boundary(next, -months));
  const horizon = periodAt(signedUpAt, from).start;
  if (deletedAt === undefined || closeAt !== undefined) return horizon;
  return earlier(horizon, periodAt(signedUpAt, deletedAt).end);
}
