import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../../../database/pool.ts';
import type { Cents } from '../../../values/money.ts';
import { sliceOf, type Slice } from '../slice.ts';

/** Something that happened to an account. */
export type Happening = {
  readonly at: Date;
  readonly kind: 'event' | 'invoice' | 'payment' | 'money' | 'signal' | 'violation' | 'action';
  readonly what: string;
  readonly detail: string | null;
  readonly cents: Cents | null;
  readonly isSuperseded: boolean | null;
  /** Of an event. */
  readonly source: string | null;
  /** Of an event or an invoice. */
  readonly id: string | null;
};

/** So that a page stays small, whatever happened. */
export const HAPPENINGS_PER_PAGE = 25;

/**
 * What happened to an account, the latest first. Events are looked for resource by resource, each by its
 * index, and only of those whose last ones may be among the latest: so the cost does not grow with the
 * account's history.
 */
export async function readTimeline(
  db: Db,
  accountId: string,
  from: number,
): Promise<Slice<Happening>> {
  const limit = from + HAPPENINGS_PER_PAGE + 1;
  // Kept to itself, or a name that is written from right to left would turn the numbers after it.
  const name = (column: string): RawBuilder<string> =>
    sql`concat(chr(8296), ${sql.ref(column)}, chr(8297))`;
  const events = sql`
    select to_timestamp(e.at) as at, 'event' as kind, e.type as what,
      case when e.meter = 'app' then concat(${name('e.resource')}, ': ', e.level / nullif(e.size_tenths, 0), ' × ',
          (e.size_tenths / 10.0)::float8)
        when e.meter = 'database' and e.level > 0 then
          concat(${name('e.resource')}, ': size ', (e.size_tenths / 10.0)::float8)
        when e.meter = 'job' then concat(${name('e.app')}, ', job ', ${name('e.resource')})
        else e.resource end as detail, null::bigint as cents,
      e.is_superseded as "isSuperseded", e.source, e.event_id as id
    from event e`;
  const nothing = sql`null::bigint, null::boolean, null, null`;
  const noEvent = sql`null::boolean, null, null`;
  const { rows } = await sql<Happening>`/* prepare read_timeline */
    select at, kind, what, left(detail, 300) as detail, cents, "isSuperseded", source, id
    from (
      select change.* from (
        select meter, resource from series
        where account_id = ${accountId} and meter in ('app', 'database')
        group by meter, resource order by max(last_at) desc, meter, resource limit ${limit}
      ) series, lateral (
        (${events} where e.account_id = ${accountId} and e.meter = series.meter
          and e.resource = series.resource and not e.is_superseded
          order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit ${limit})
        union all
        (${events} where e.account_id = ${accountId} and e.meter = series.meter
          and e.resource = series.resource and e.is_superseded order by e.at desc limit ${limit})
      ) change
      union all
      (select to_timestamp(signed_up_at), 'event', 'account.created', email, ${nothing}
        from account where account_id = ${accountId})
      union all
      (select to_timestamp(upgraded_at), 'event', 'account.upgraded', null, ${nothing}
        from account where account_id = ${accountId} and upgraded_at is not null)
      union all
      (select to_timestamp(deleted_at), 'event', 'account.deleted', null, ${nothing}
        from account where account_id = ${accountId} and deleted_at is not null)
      union all
      (select created_at, 'invoice', 'invoice made',
        concat(state, case when state_reason is not null then ': ' || state_reason end),
        total_cents, null, null, invoice_id
        from invoice where account_id = ${accountId} order by created_at desc limit ${limit})
      union all
      (select coalesce(ended_at, started_at), 'payment', concat('payment attempt ', attempt),
        concat(state, ': ' || coalesce(message, decline_code, error_code)), ${nothing}
        from payment_attempt where account_id = ${accountId} and state <> 'paid'
        order by started_at desc limit ${limit})
      union all
      (select recorded_at, 'money', replace(kind, '_', ' '),
        concat_ws(', ', reason, 'by ' || actor), amount_cents, ${noEvent}
        from ledger_entry where account_id = ${accountId}
        order by recorded_at desc limit ${limit})
      union all
      (select created_at, 'signal', kind, null, ${nothing} from signal
        where account_id = ${accountId} order by created_at desc limit ${limit})
      union all
      (select to_timestamp(at), 'violation', code, message, ${nothing} from violation
        where account_id = ${accountId} order by violation.at desc limit ${limit})
      union all
      (select started_at, 'action', kind,
        concat(message || ' ', '(', case state when 'refused' then 'not done' else state end,
          ', by ', actor, ')'), ${nothing}
        from operator_action where account_id = ${accountId}
        order by started_at desc limit ${limit})
    ) happened (at, kind, what, detail, cents, "isSuperseded", source, id)
    order by at desc, kind desc, what desc, detail, id
    offset ${from} limit ${HAPPENINGS_PER_PAGE + 1}`.execute(db);
  return sliceOf(rows, from, HAPPENINGS_PER_PAGE);
}
