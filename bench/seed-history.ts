import { sql } from 'kysely';
import { numberArray, textArray } from '../src/database/arrays.ts';
import type { Db } from '../src/database/pool.ts';
import { APPS_PER_ACCOUNT, END, SIGNED_UP } from './reports.ts';

export type History = { readonly account: string; readonly events: number };

/**
 * Long histories, written past the meter because recording millions of events takes minutes. What the meter
 * would hold of them is worked out in SQL, by summing stretches; the scenarios compare both.
 */
export async function seedHistory(db: Db, histories: readonly History[]): Promise<void> {
  const history = sql`unnest(${textArray(histories.map(({ account }) => account))}::text[],
    ${numberArray(histories.map(({ events }) => events))}::bigint[]) as history (account_id, events)`;
  await sql`
    insert into account (account_id, email, signed_up_at, confirmed_at, upgraded_at, next_close_at, last_cut_at)
    select account_id, account_id || '@platform.example', ${SIGNED_UP}, ${SIGNED_UP}, ${SIGNED_UP},
      ${END + 86_400}, ${SIGNED_UP}
    from ${history}`.execute(db);
  await sql`
    insert into event (account_id, source, event_id, type, at, tie, details, recording, recorded_at)
    select account_id, 'bench', type, type, ${SIGNED_UP}, '',
      case type when 'account.created' then jsonb_build_object('email', account_id || '@platform.example') end,
      1, to_timestamp(${SIGNED_UP}::bigint)
    from ${history}, unnest(array['account.created', 'account.confirmed', 'account.upgraded']) as type`.execute(
    db,
  );
  await sql`
    insert into event (account_id, source, event_id, type, at, tie, meter, resource, app, level,
      size_tenths, recording, recorded_at)
    select account_id, 'bench', md5(number::text), 'app.scaled',
      ${SIGNED_UP}::bigint + number * ${END - SIGNED_UP - 86_400}::bigint / events, '',
      'app', app, app, 10 * (hashint8(number) & 15), 10, 1, to_timestamp(${END}::bigint)
    from ${history}, generate_series(1, events) as number,
      lateral (select 'app-' || number % ${APPS_PER_ACCOUNT}::int as app) named`.execute(db);
  await sql`
    insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at, last_at)
    select account_id, meter, resource, 0, sum(level) filter (where until is null),
      sum(case when until is null then -level * at else level * (until - at) end)::bigint,
      min(at), max(at)
    from (
      select *, lead(at) over (partition by account_id, resource order by at, tie, event_id, source) as until
      from event where meter = 'app'
    ) stretch group by account_id, meter, resource`.execute(db);
  await sql`
    insert into event_identity
    select account_id, source, event_id, substr(sha256(event_id::bytea), 1, 16), recording, recorded_at
    from event`.execute(db);
}
