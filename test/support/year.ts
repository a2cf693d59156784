import { sql } from 'kysely';
import type { Db } from '../../src/database/pool.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';

export const SIGNED_UP = Date.UTC(2025, 1, 10) / 1000;
/** The end of the twelfth period; those before it are closed. */
export const YEAR_END = Date.UTC(2026, 1, 10) / 1000;

/** A busy account with a long history. */
export const BUSY = 'busy';

/**
 * A year of `accounts` accounts, and of a busy one with `busyEvents` events: eleven closed periods with
 * checkpoints and paid invoices, the twelfth one due. Then tables are analyzed, and the planner is told that
 * those that grow with history hold so many times more.
 */
export async function seedYear(
  db: Db,
  { accounts, busyEvents, times }: { accounts: number; busyEvents: number; times: number },
): Promise<void> {
  await sql`
    insert into account (account_id, email, signed_up_at, confirmed_at, upgraded_at, next_close_at, last_cut_at)
    select account, account || '@platform.example', ${SIGNED_UP}, ${SIGNED_UP}, ${SIGNED_UP}, ${YEAR_END},
      extract(epoch from timestamptz '2026-01-10 00:00Z')::bigint
    from (select ${BUSY}::text as account union all
      select 'account ' || n from generate_series(1, ${accounts}::int) n) named`.execute(db);
  await sql`
    insert into event (account_id, source, event_id, type, at, tie, meter, resource, app, level, size_tenths,
      recording, recorded_at)
    select account_id, 'seed', n::text, 'app.scaled',
      ${SIGNED_UP}::bigint + n * ${YEAR_END - SIGNED_UP - 86_400}::bigint / events, '', 'app',
      'app ' || n % 3, 'app ' || n % 3, 10 * (n % 7), 10, nextval('event_recording'), '2026-02-09'
    from account, lateral (select case account_id when ${BUSY} then ${busyEvents}::bigint else 24 end as events) of,
      lateral generate_series(1, events) as n`.execute(db);
  await sql`
    insert into event (account_id, source, event_id, type, at, tie, details, recording, recorded_at)
    select account_id, 'seed', type, type, ${SIGNED_UP}, '',
      case type when 'account.created' then jsonb_build_object('email', email) end,
      nextval('event_recording'), '2025-02-10'
    from account, unnest(array['account.created', 'account.confirmed', 'account.upgraded']) as type`.execute(
    db,
  );
  await sql`
    insert into event_identity
    select account_id, source, event_id, substr(sha256(event_id::bytea), 1, 16), recording, recorded_at
    from event`.execute(db);
  await sql`
    insert into billing_period (account_id, start_at, end_at, tier, closed_at)
    select account_id, extract(epoch from start)::bigint, extract(epoch from start + interval '1 month')::bigint,
      'STANDARD', start + interval '1 month'
    from account, generate_series(timestamptz '2025-02-10 00:00Z', '2025-12-10 00:00Z', '1 month') as start`.execute(
    db,
  );
  await sql`
    insert into invoice (account_id, invoice_id, period_start, period_end, total_cents, lines_sha256, state,
      created_at, paid_at)
    select account_id, account_id || start_at, start_at, end_at, 100, '', 'paid', closed_at, closed_at
    from billing_period`.execute(db);
  await sql`
    insert into invoice_line (account_id, invoice_id, line_number, kind, app, quantity, description, amount_cents)
    select account_id, invoice_id, 1, 'app', 'app 1', 1, 'App', 100 from invoice`.execute(db);
  await sql`
    insert into ledger_entry (account_id, entry_id, book, kind, amount_cents, invoice_id, actor, recorded_at)
    select account_id, 'payment/' || invoice_id, 'cash', 'payment', 100, invoice_id, 'stripe', paid_at
    from invoice`.execute(db);
  const { rows } = await sql<{ account_id: string }>`select account_id from account`.execute(db);
  await rebuildSeries(
    db,
    rows.map(({ account_id }) => account_id),
    false,
  );
  await sql`vacuum analyze`.execute(db);
  await sql`
    select pg_restore_relation_stats('schemaname', 'public', 'relname', relname::text, 'relpages', relpages,
      'reltuples', (reltuples * ${times}::int)::real, 'relallvisible', relallvisible)
    from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
      and relname in ('event_of_other_months', 'event_identity', 'checkpoint', 'billing_period', 'invoice', 'invoice_line', 'ledger_entry')`.execute(
    db,
  );
}
