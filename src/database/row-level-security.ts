import { sql } from 'kysely';
import type pg from 'pg';
import type { Db } from './pool.ts';

/** What an account may see its own rows of; no keys, no logins, nothing of our talk with Stripe. */
const READABLE = [
  'account',
  'account_price',
  'account_standing',
  'archived_account',
  'archived_month',
  'billing_period',
  'checkpoint',
  'database_app',
  'database_connection',
  'database_row_limit',
  'desired_app',
  'desired_database',
  'event',
  'event_identity',
  'invoice',
  'invoice_line',
  'invoice_unconfirmed',
  'job',
  'ledger_entry',
  'money_back',
  'parked_event',
  'payment_attempt',
  'permission',
  'price_book',
  'quarantined_event',
  'refund',
  'series',
  'series_base',
  'standing_event',
  'stripe_customer',
  'unconfirmed_usage',
  'violation',
];

/**
 * Puts row-level security in force on all tables of accounts; answers whether it is (see migration 0005).
 * Safe to repeat; run after every migration, so that new tables are held, too.
 */
export async function protectAccountTables(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ is_enforced: boolean }>(
    'select protect_account_tables($1) as is_enforced',
    [READABLE],
  );
  return rows[0]!.is_enforced;
}

/** Runs reads that together see one moment: of one account, or of all for an operator (undefined). */
export type ReadAs = <T>(accountId: string | undefined, work: (db: Db) => Promise<T>) => Promise<T>;

/** With `isEnforced`, reads for an account run under the role that sees nothing else. */
export function readerOf(db: Db, isEnforced: boolean): ReadAs {
  return async (accountId, work) =>
    await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (tx) => {
        if (accountId !== undefined && isEnforced) {
          // SET LOCAL, not set_config(), which reaches no worker of Citus; gone with the transaction.
          await sql`set local role gigameter_account;
            set local gigameter.account_id = ${sql.lit(accountId)}`.execute(tx);
        }
        return await work(tx);
      });
}
