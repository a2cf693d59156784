import { sql } from 'kysely';
import type { Account } from '../../accounts/account.ts';
import { unknownAccount } from '../../accounts/require-account.ts';
import { toAccount, type AccountRow } from '../../accounts/store.ts';
import type { Db } from '../../database/pool.ts';
import { creditOf, toCredit, type Credit } from '../../ledger/page-credits.ts';
import {
  toUnconfirmed,
  unconfirmedWithin,
  type Unconfirmed,
} from '../../sources/silence/unconfirmed.ts';
import { toCard, type Card, type CardRow } from '../../stripe/cards/card-setup-store.ts';
import type { Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';

/** An account with what stands beside it: how it pays, what it owes, and whether its meter is confirmed. */
export type AccountHead = {
  readonly account: Account;
  readonly card: Card | undefined;
  readonly pastDueSince: Date | undefined;
  /** On invoices that are open or were given up. */
  readonly owed: Owed;
  readonly credit: Credit;
  /** Within the billing period at most. */
  readonly unconfirmed: readonly Unconfirmed[];
};

export type Owed = {
  readonly invoices: bigint;
  readonly cents: Cents;
  /** What the processor said when it was tried last. */
  readonly failure: string | undefined;
};

const MOST_CREDITS = 10;
/** No billing period is longer. */
const MONTH_SECONDS = 31n * 86_400n;

/** One row, each part of it by an index. @throws Fault `account_unknown`. */
export async function readAccountHead(db: Db, accountId: string, at: Second): Promise<AccountHead> {
  const counted = sql<Second>`least(account.deleted_at, ${at}::bigint)`;
  const window = { from: sql<Second>`${counted} - ${MONTH_SECONDS}::bigint`, to: counted };
  const { rows } = await sql<Row>`/* prepare read_account_head */
    select account.*, customer.payment_method_id, customer.brand, customer.last4,
      customer.exp_month, customer.exp_year, standing.past_due_since as "pastDueSince",
      owed.invoices, owed.cents, owed.failure,
      ${creditOf(accountId, MOST_CREDITS)} as credit,
      ${unconfirmedWithin(accountId, window)} as unconfirmed
    from account
    left join account_standing standing on standing.account_id = account.account_id
    left join stripe_customer customer on customer.account_id = account.account_id
    cross join lateral (
      select count(*) as invoices, coalesce(sum(total_cents), 0)::bigint as cents,
        (array_agg(tried.message order by tried.ended_at desc nulls last))[1] as failure
      from invoice left join lateral (
        select coalesce(message, decline_code, error_code) as message, ended_at
        from payment_attempt
        where account_id = invoice.account_id and invoice_id = invoice.invoice_id
          and state = 'failed'
        order by attempt desc limit 1
      ) tried on true
      where invoice.account_id = ${accountId} and invoice.state in ('open', 'uncollectible')
    ) owed
    where account.account_id = ${accountId}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw unknownAccount(accountId);
  return {
    account: toAccount(row),
    card: toCard(row),
    pastDueSince: row.pastDueSince ?? undefined,
    owed: { invoices: row.invoices, cents: row.cents, failure: row.failure ?? undefined },
    credit: toCredit(row.credit),
    unconfirmed: toUnconfirmed(row.unconfirmed),
  };
}

type Row = AccountRow &
  CardRow & {
    readonly pastDueSince: Date | null;
    readonly invoices: bigint;
    readonly cents: Cents;
    readonly failure: string | null;
    readonly credit: Parameters<typeof toCredit>[0];
    readonly unconfirmed: Parameters<typeof toUnconfirmed>[0];
  };
