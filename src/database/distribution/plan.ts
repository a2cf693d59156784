/**
 * How each table lies on Citus, PostgreSQL's distributed engine. A test holds that every table is named here and
 * that the distributed ones fit.
 */

/** Rows lie by the hash of this column, all tables side by side: one account's data is on one node. */
export const DISTRIBUTION_COLUMN = 'account_id';

/** Tables of accounts, those that others refer to first. Partitions follow their table. */
export const DISTRIBUTED = [
  'account',
  'billing_period',
  'invoice',
  'money_back',
  'account_price',
  'account_standing',
  'archived_account',
  'card_setup',
  'checkpoint',
  'database_app',
  'database_connection',
  'database_row_limit',
  'desired_app',
  'desired_database',
  'dispute',
  'drift',
  'email_token',
  'event',
  'event_identity',
  'event_seal',
  'invoice_line',
  'invoice_unconfirmed',
  'job',
  'ledger_entry',
  'operator_action',
  'parked_event',
  'payment_attempt',
  'permission',
  'refund',
  'series',
  'series_base',
  'signal',
  'silence_end',
  'stripe_customer',
  'stripe_lease',
  'stripe_operation',
  'unconfirmed_usage',
  'violation',
] as const;

/** Tables that stay on the node everybody connects to, and why. Each is small, or not on the way of an event. */
export const LOCAL: Readonly<Record<string, string>> = {
  api_key: 'looked up before its account is known',
  app_name: 'names are unique over all accounts',
  archived_month: 'of the database, not of an account',
  kysely_migration: 'of the schema, not of an account',
  kysely_migration_lock: 'of the schema, not of an account',
  login: 'looked up by e-mail address, which is unique over all accounts',
  page_session: 'looked up before its account is known',
  price_book: 'one for all accounts, read by itself; its trigger looks at the periods of all',
  quarantined_event: 'refused before its account is known',
  sign_in_link: 'looked up before its account is known',
  sign_up: 'comes before its account',
  snapshot: 'of a source, not of an account',
  source: 'reports for many accounts',
  source_silence: 'of a source, not of an account',
  stripe_event: 'stored before its account is known',
  stripe_rate: 'one budget for all',
};

/** Constraints that Citus refuses: they lead from a local table to a distributed one. */
export const DROPPED_FOREIGN_KEYS: readonly (readonly [table: string, name: string])[] = [
  ['login', 'login_account_id_fkey'],
];

/**
 * Triggers that cannot stay: they look at another table, which the node that holds a shard must not. They only
 * stand behind verbs that refuse the same with a reason. Those that refuse every change stay.
 */
export const DROPPED_TRIGGERS: readonly (readonly [table: string, name: string])[] = [
  ['account_price', 'account_price_kept'],
];
