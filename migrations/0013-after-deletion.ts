import { sql, type Kysely } from 'kysely';

/**
 * Accounts that ended: they, too, get an invoice of what late facts correct, and what stays too small to be
 * charged is written off.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index account_late_after_deletion on account (account_id)
    where late_since is not null and deleted_at is not null and next_close_at is null`.execute(db);
  await sql`alter table ledger_entry
    drop constraint ledger_entry_book_check,
    add constraint ledger_entry_book_check
      check (book in ('credit', 'carried', 'written_off', 'cash'))`.execute(db);
  await sql`comment on table ledger_entry is
    'append-only money facts; the balance of a book is the sum of its entries. credit: what the account may still use; carried: what earlier invoices were too small to charge; written_off: what the last one was, of an account that ended; cash: what was paid, less refunds'`.execute(
    db,
  );
  await sql`alter table invoice_line
    drop constraint invoice_line_kind_check,
    add constraint invoice_line_kind_check
      check (kind in ('app', 'database', 'carried', 'written_off', 'credit', 'adjustment'))`.execute(
    db,
  );
  // What is carried for accounts that have no next invoice gets one, which writes it off.
  await sql`
    update account set late_since = coalesce(late_since, deleted_at)
    where deleted_at is not null and next_close_at is null and (
      select sum(amount_cents) from ledger_entry
      where ledger_entry.account_id = account.account_id and book = 'carried') > 0`.execute(db);
}
