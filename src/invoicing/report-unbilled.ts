import { lockAccounts } from '../accounts/lock.ts';
import { addSignals } from '../accounts/signals.ts';
import { findAccounts } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import type { PriceBooksOf } from '../pricing/account-price.ts';
import { totalOf } from '../pricing/line.ts';
import { readPrices } from '../pricing/store.ts';
import { formatSecond } from '../values/instant.ts';
import { periodAt } from '../values/period.ts';
import type { DuePeriod } from './due-period.ts';
import { correctedFrom, findAdjustments } from './find-adjustments.ts';

/** Tells of facts that reach further back than corrections do: they are metered, and billed by nobody (R60). */
export async function reportTooLate(
  tx: Db,
  now: Date,
  priceBooks: PriceBooksOf,
  due: readonly DuePeriod[],
): Promise<void> {
  const signals = due.flatMap(({ account: { id, lateSince }, start }) => {
    const from = correctedFrom(priceBooks(id), start);
    if (lateSince === undefined || lateSince >= from) return [];
    const details = {
      late_since: formatSecond(lateSince),
      corrected_from: formatSecond(from),
    };
    return [{ accountId: id, kind: 'account.facts_too_late', details }];
  });
  await addSignals(tx, now, signals);
}

/**
 * Tells of corrections of deleted accounts, which have no next invoice to carry them: what they come to, line
 * by line, for somebody to refund or to write off. Each is told once. Answers how many accounts had some.
 */
export async function reportAfterDeletion(db: Db, now: Date, limit = 100): Promise<number> {
  const rows = await db
    .selectFrom('account')
    .select('account_id')
    .where('late_since', 'is not', null)
    .where('deleted_at', 'is not', null)
    .where('next_close_at', 'is', null)
    .limit(limit)
    .execute();
  for (const { account_id: accountId } of rows) {
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => await reportOne(tx, now, accountId));
  }
  return rows.length;
}

async function reportOne(tx: Db, now: Date, accountId: string): Promise<void> {
  await lockAccounts(tx, [accountId]);
  const account = (await findAccounts(tx, [accountId])).get(accountId)!;
  const { late_since: lateSince } = await tx
    .updateTable('account')
    .from((from) =>
      from.selectFrom('account').selectAll().where('account_id', '=', accountId).as('before'),
    )
    .set({ late_since: null })
    .where('account.account_id', '=', accountId)
    .returning('before.late_since')
    .executeTakeFirstOrThrow();
  const endedAt = account.deletedAt!;
  const ended: DuePeriod = {
    account: { ...account, closeAt: endedAt, lateSince: lateSince ?? undefined },
    start: endedAt,
    end: endedAt,
    full: periodAt(account.signedUpAt, endedAt),
    nextCloseAt: undefined,
  };
  const adjustments = await findAdjustments(tx, await readPrices(tx, [accountId]), [ended]);
  const lines = adjustments.get(accountId) ?? [];
  if (lines.length === 0) return;
  await addSignals(tx, now, [
    {
      accountId,
      kind: 'account.correction_after_deletion',
      details: {
        total_cents: Number(totalOf(lines)),
        lines: lines.map(({ description, amountCents }) => ({
          description,
          amount_cents: Number(amountCents),
        })),
      },
    },
  ]);
}
