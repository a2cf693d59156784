import { unknownAccount } from '../accounts/require-account.ts';
import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';
import type { Cents } from '../values/money.ts';
import { addEntries } from './store.ts';

export type CreditGrant = {
  readonly accountId: string;
  /** Makes repeating a grant harmless: one credit per id. */
  readonly creditId: string;
  readonly amountCents: Cents;
  readonly actor: string;
  readonly reason: string;
};

/**
 * Gives an account credit, which reduces its next invoices (R40). Answers whether it was new.
 *
 * @throws Fault `amount_invalid`, `account_unknown`, and `id_reused` when the id was used for another amount.
 */
export async function grantCredit(db: Db, now: Date, grant: CreditGrant): Promise<boolean> {
  const { accountId, creditId, amountCents, actor, reason } = grant;
  if (amountCents <= 0n) {
    throw new Fault(
      'invalid',
      'amount_invalid',
      `a credit must be at least 1 cent, not ${amountCents}`,
    );
  }
  return await db.transaction().execute(async (tx) => {
    const account = await tx
      .selectFrom('account')
      .select('account_id')
      .where('account_id', '=', accountId)
      .forUpdate()
      .executeTakeFirst();
    if (account === undefined) throw unknownAccount(accountId);
    const entryId = `credit:${creditId}`;
    const known = await tx
      .selectFrom('ledger_entry')
      .select('amount_cents')
      .where('account_id', '=', accountId)
      .where('entry_id', '=', entryId)
      .executeTakeFirst();
    if (known?.amount_cents === amountCents) return false;
    if (known !== undefined) {
      throw new Fault(
        'conflict',
        'id_reused',
        `${creditId} was used for ${known.amount_cents} cents before`,
      );
    }
    await addEntries(tx, now, [
      { accountId, entryId, book: 'credit', kind: 'credit_granted', amountCents, actor, reason },
    ]);
    return true;
  });
}
