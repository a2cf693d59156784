import type pg from 'pg';

/**
 * What must hold in every database, whatever was done to it: each query finds what breaks a rule, as rows of
 * one text. They are written apart from the code they watch.
 */
const INVARIANTS: Readonly<Record<string, string>> = {
  'conservation: a series is the sum of its events, and of its base': `
    with stretch as (
      select account_id, meter, resource, level, at,
        case when meter = 'app' then 0 else size_tenths end as size_tenths,
        lead(at) over (partition by account_id, meter, resource
          order by at, tie, event_id, source) as until
      from (
        select account_id, meter, resource, level, at, tie, event_id, source, size_tenths from event
        where not is_superseded and meter in ('app', 'database') and not exists (
          select from series_base base where base.account_id = event.account_id
            and base.meter = event.meter and base.resource = event.resource and event.at < until_at)
        union all
        select account_id, meter, resource, level, until_at, '', '', '', size_tenths from series_base
        where level > 0
      ) counted
    ),
    told as (
      select account_id, meter, resource, size_tenths, sum(level) as level,
        sum(offset_units) as offset_units
      from (
        select account_id, meter, resource, size_tenths,
          case when until is null then level else 0 end as level,
          level * (coalesce(until, 0) - at) as offset_units
        from stretch where level > 0
        union all
        select account_id, meter, resource, size_tenths, 0, offset_units from series_base
      ) part group by 1, 2, 3, 4
    )
    select format('%s %s %s: %s×t+%s, by events %s×t+%s', account_id, meter, resource, series.level,
      series.offset_units, told.level, told.offset_units)
    from told full join (select * from series where meter <> 'job') series
      using (account_id, meter, resource, size_tenths)
    where coalesce(told.level, 0) <> coalesce(series.level, 0)
      or coalesce(told.offset_units, 0) <> coalesce(series.offset_units, 0)`,
  'conservation: a job series is the sum of its jobs': `
    select format('%s %s', account_id, resource) from series
    where meter = 'job' and offset_units <> (
      select coalesce(sum(size_tenths * (ended_at - started_at)), 0) from job
      where job.account_id = series.account_id and job.app = series.resource)`,
  'periods tile from the sign-up on, without gap or overlap': `
    select format('%s: period from %s, the one before ended %s', account_id, start_at, before)
    from (
      select account_id, start_at, coalesce(lag(end_at) over (partition by account_id order by start_at),
        signed_up_at) as before
      from billing_period join account using (account_id)
    ) period where start_at <> before`,
  'what is due next follows what is closed': `
    select format('%s: next close %s, closed to %s', account_id, next_close_at, closed_to)
    from account join (
      select account_id, max(end_at) as closed_to from billing_period group by account_id
    ) closed using (account_id)
    where next_close_at <= closed_to`,
  'an invoice is the sum of its lines': `
    select format('%s: %s, lines %s', invoice_id, total_cents, coalesce(sum(amount_cents), 0))
    from invoice left join invoice_line using (account_id, invoice_id)
    group by account_id, invoice_id, total_cents having total_cents <> coalesce(sum(amount_cents), 0)`,
  'an account and period have one invoice that counts': `
    select format('%s %s', account_id, period_start) from invoice where state <> 'void'
    group by account_id, period_start having count(*) > 1`,
  'a frozen invoice never changes': `
    select format('%s', invoice_id) from invoice
    where recording > 0 and lines_sha256 <> (
      select encode(sha256(convert_to('[' || coalesce(string_agg(
        format('[%s,%s,"%s"]', to_json(kind), to_json(description), amount_cents), ','
        order by line_number), '') || ']', 'UTF8')), 'hex')
      from invoice_line line
      where line.account_id = invoice.account_id and line.invoice_id = invoice.invoice_id)`,
  'each second of a closed period is billed once, net of corrections, unless late facts still wait': `
    with period as (
      select account_id, start_at, least(end_at, coalesce(deleted_at, end_at)) as to_at,
        case when upgraded_at < end_at then greatest(start_at, upgraded_at)
          else end_at end as from_at
      from billing_period join account using (account_id)
      where late_since is null
        and not exists (select from signal where signal.account_id = account.account_id
          and kind = 'account.facts_too_late')
        and not exists (select from archived_account a where a.account_id = account.account_id)
    ),
    stretch as (
      select account_id, meter, resource, case meter when 'database' then size_tenths else 0 end as size_tenths,
        level, at, lead(at) over (partition by account_id, meter, resource
          order by at, tie, event_id, source) as until
      from event where not is_superseded and meter in ('app', 'database')
      union all
      select account_id, 'app', app, 0, size_tenths, started_at, ended_at from job
    ),
    used as (
      select account_id, start_at, meter, resource, size_tenths,
        sum(level * (least(until, to_at) - greatest(at, from_at))) as units
      from period join stretch using (account_id)
      where level > 0 and least(until, to_at) > greatest(at, from_at)
      group by 1, 2, 3, 4, 5
    ),
    billed as (
      select account_id, coalesce(adjusts_period_start, period_start) as start_at,
        case when database is null then 'app' else 'database' end as meter,
        coalesce(database, app) as resource, coalesce(size_tenths, 0) as size_tenths,
        sum(quantity) as units
      from invoice join invoice_line using (account_id, invoice_id)
      where kind in ('app', 'database', 'adjustment') and not exists (
        select from invoice successor where successor.account_id = invoice.account_id
          and successor.period_start = invoice.period_start and successor.revision > invoice.revision)
      group by 1, 2, 3, 4, 5
    )
    select format('%s from %s: %s %s used %s, billed %s', account_id, start_at, meter, resource,
      used.units, billed.units)
    from period join (
      used full join billed using (account_id, start_at, meter, resource, size_tenths)
    ) using (account_id, start_at)
    where coalesce(used.units, 0) <> coalesce(billed.units, 0)`,
  'lines that move balances are in the ledger': `
    select format('%s %s: %s lines %s, ledger %s', line.account_id, line.period_start, line.kind,
      line.cents, ledger.cents)
    from (
      select account_id, period_start, kind, sum(amount_cents) as cents
      from invoice_line join invoice using (account_id, invoice_id)
      where kind in ('carried', 'written_off', 'credit') and not exists (
        select from invoice successor where successor.account_id = invoice.account_id
          and successor.period_start = invoice.period_start and successor.revision > invoice.revision)
      group by 1, 2, 3
    ) line left join (
      select account_id, period_start, book, sum(amount_cents) as cents
      from ledger_entry join invoice using (account_id, invoice_id)
      where kind in ('carried_billed', 'carried_over', 'written_off', 'written_off_billed',
        'credit_applied', 'credit_from_corrections')
      group by 1, 2, 3
    ) ledger on ledger.account_id = line.account_id and ledger.period_start = line.period_start
      and ledger.book = line.kind
    where line.cents <> case line.kind when 'credit' then coalesce(ledger.cents, 0)
      else -coalesce(ledger.cents, 0) end`,
  'no account owes credit or has less than nothing carried': `
    select format('%s %s: %s', account_id, book, sum(amount_cents)) from ledger_entry
    where book in ('credit', 'carried', 'written_off')
    group by account_id, book having sum(amount_cents) < 0`,
  'nothing is carried for an account that gets no invoice any more': `
    select format('%s: %s', account_id, sum(amount_cents)) from ledger_entry join account using (account_id)
    where book = 'carried' and deleted_at is not null and next_close_at is null and late_since is null
    group by account_id having sum(amount_cents) <> 0`,
  'nothing is charged in the FREE tier': `
    select format('%s', invoice.invoice_id) from invoice
    join billing_period period on period.account_id = invoice.account_id
      and period.start_at = invoice.period_start
    join invoice_line line on line.account_id = invoice.account_id
      and line.invoice_id = invoice.invoice_id
    where period.tier = 'FREE' and line.kind in ('app', 'database') and line.amount_cents <> 0`,
  'a superseded event has one that says so, or came too late to count': `
    select format('%s %s', event.account_id, event.event_id) from event
    where is_superseded and source <> 'gigameter' and superseded_in <> recording and not exists (
      select from event wrong where wrong.account_id = event.account_id
        and wrong.type = 'event.superseded' and wrong.details ->> 'supersededId' = event.event_id
        and wrong.details ->> 'supersededSource' = event.source)`,
  'every event has its identity, and every identity that is recorded has its event': `
    select format('%s %s %s', account_id, source, event_id)
    from event full join (select * from event_identity where recording is not null) identity
      using (account_id, source, event_id, recording, recorded_at)
    where identity.fingerprint is null or event.type is null and not exists (
      select from archived_month where month = to_char(identity.recorded_at at time zone 'UTC', 'YYYY-MM'))`,
  'as many events are archived as are not there any more': `
    select format('%s %s: %s archived, %s missing', account_id, month, archived.events, missing.events)
    from archived_account archived full join (
      select account_id, to_char(identity.recorded_at at time zone 'UTC', 'YYYY-MM') as month, count(*) as events
      from event_identity identity left join event
        using (account_id, source, event_id, recording, recorded_at)
      where identity.recording is not null and event.type is null group by 1, 2
    ) missing using (account_id, month)
    where archived.events is distinct from missing.events`,
  'what is parked has its identity, which no event has': `
    select format('%s %s %s', account_id, source, event_id)
    from parked_event full join (select * from event_identity where recording is null) identity
      using (account_id, source, event_id)
    where parked_event.name is null or identity.fingerprint is null`,
  'money and usage are exact: no column is a float': `
    select format('%s.%s', table_name, column_name) from information_schema.columns
    where table_schema = 'public' and data_type in ('real', 'double precision')
      and table_name in (select table_name from information_schema.tables
        where table_schema = 'public' and table_type = 'BASE TABLE')
      and table_name !~ 'bullmq|^local_'`,
};

/** Throws with everything that is broken. */
export async function checkInvariants(pool: pg.Pool): Promise<void> {
  const broken: string[] = [];
  for (const [rule, query] of Object.entries(INVARIANTS)) {
    const { rows } = await pool.query<{ format: string }>(query);
    broken.push(...rows.slice(0, 5).map(({ format }) => `${rule}\n  ${format}`));
  }
  if (broken.length > 0) throw new Error(`broken invariants:\n${broken.join('\n')}`);
}
