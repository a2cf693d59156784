import { sql } from 'kysely';
import type { BenchDatabase } from './servers.ts';
import { APPS_PER_ACCOUNT, END, SIGNED_UP } from './reports.ts';

/**
 * Long histories, written past the meter because recording millions of events takes minutes. What the meter
 * would hold of them is worked out in SQL, by summing stretches; the scenarios compare both.
 */
export async function seedHistory(
  { db }: BenchDatabase,
  histories: readonly { readonly account: string; readonly events: number }[],
): Promise<void> {
  for (const { account, events } of histories) {
    await sql`
      insert into account (account_id, email, signed_up_at, confirmed_at, upgraded_at, next_close_at, last_cut_at)
      values (${account}, ${`${account}@platform.example`}, ${SIGNED_UP}, ${SIGNED_UP}, ${SIGNED_UP},
        ${END + 86_400}, ${SIGNED_UP})`.execute(db);
    await sql`
      insert into event (account_id, source, event_id, type, at, tie, details, recording, recorded_at)
      select ${account}, 'bench', type, type, ${SIGNED_UP}, '',
        case type when 'account.created' then jsonb_build_object('email', ${`${account}@platform.example`}::text) end,
        1, to_timestamp(${SIGNED_UP}::bigint)
      from unnest(array['account.created', 'account.confirmed', 'account.upgraded']) as type`.execute(
      db,
    );
    await sql`
      insert into event (account_id, source, event_id, type, at, tie, meter, resource, app, level,
        size_tenths, recording, recorded_at)
      select ${account}, 'bench', md5(number::text), 'app.scaled',
        ${SIGNED_UP}::bigint + number * ${END - SIGNED_UP - 86_400}::bigint / ${events}::bigint, '',
        'app', app, app, 10 * (hashint8(number) & 15), 10, 1, to_timestamp(${END}::bigint)
      from generate_series(1, ${events}::bigint) as number,
        lateral (select 'app-' || number % ${APPS_PER_ACCOUNT}::int as app) named`.execute(db);
    await seedSeries(db, account);
  }
  await sql`
    insert into event_identity
    select account_id, source, event_id, substr(sha256(event_id::bytea), 1, 16), recording, recorded_at
    from event on conflict do nothing`.execute(db);
}

async function seedSeries(db: BenchDatabase['db'], account: string): Promise<void> {
  await sql`
    insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at, last_at)
    select account_id, meter, resource, 0, (array_agg(level order by at desc, event_id desc))[1],
      sum(case when until is null then -level * at else level * (until - at) end)::bigint,
      min(at), max(at)
    from (
      select *, lead(at) over (partition by resource order by at, tie, event_id, source) as until
      from event where account_id = ${account} and meter = 'app'
    ) stretch group by account_id, meter, resource`.execute(db);
}
