import type { Account } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';
import { previewInvoices } from './preview-invoices.ts';

/** What an account's usage up to `at` costs that is on no invoice yet, before credits. */
export async function notYetInvoiced(db: Db, account: Account, at: Second): Promise<Cents> {
  const previews = await previewInvoices(db, account, at);
  return previews
    .flatMap(({ invoice }) => invoice?.lines ?? [])
    .filter(({ kind }) => kind === 'app' || kind === 'database')
    .reduce((total, { amountCents }) => total + amountCents, 0n);
}
