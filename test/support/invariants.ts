import type pg from 'pg';

/**
 * What must hold in every database, whatever was done to it: each query finds what breaks a rule, as rows of
 * one text. They are written apart from the code they watch.
 */
const INVARIANTS: Readonly<Record<string, string>> = {
  'conservation: a series is the sum of its events': `
    with stretch as (
      select account_id, meter, resource, level, at,
        case when meter = 'app' then 0 else size_tenths end as size_tenths,
        lead(at) over (partition by account_id, meter, resource
          order by at, tie, event_id, source) as until
      from event where not is_superseded and meter in ('app', 'database')
    ),
    told as (
      select account_id, meter, resource, size_tenths, sum(level) filter (where until is null) as level,
        sum(level * (coalesce(until, 0) - at)) as offset_units
      from stretch where level > 0 group by 1, 2, 3, 4
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
  'lines that move balances are in the ledger': `
    select format('%s: %s lines %s, ledger %s', line.invoice_id, line.kind, line.cents, ledger.cents)
    from (
      select account_id, invoice_id, kind, sum(amount_cents) as cents from invoice_line
      where kind in ('carried', 'credit') group by 1, 2, 3
    ) line left join (
      select account_id, invoice_id, book, sum(amount_cents) as cents from ledger_entry
      where kind in ('carried_billed', 'carried_over', 'credit_applied', 'credit_from_corrections')
      group by 1, 2, 3
    ) ledger on ledger.account_id = line.account_id and ledger.invoice_id = line.invoice_id
      and ledger.book = line.kind
    where line.cents <> case line.kind when 'carried' then -coalesce(ledger.cents, 0)
      else coalesce(ledger.cents, 0) end`,
  'no account owes credit or has less than nothing carried': `
    select format('%s %s: %s', account_id, book, sum(amount_cents)) from ledger_entry
    where book in ('credit', 'carried') group by account_id, book having sum(amount_cents) < 0`,
  'nothing is charged in the FREE tier': `
    select format('%s', invoice.invoice_id) from invoice
    join billing_period period on period.account_id = invoice.account_id
      and period.start_at = invoice.period_start
    join invoice_line line on line.account_id = invoice.account_id
      and line.invoice_id = invoice.invoice_id
    where period.tier = 'FREE' and line.kind in ('app', 'database') and line.amount_cents <> 0`,
  'a superseded event has one that says so': `
    select format('%s %s', event.account_id, event.event_id) from event
    where is_superseded and source <> 'gigameter' and not exists (
      select from event wrong where wrong.account_id = event.account_id
        and wrong.type = 'event.superseded' and wrong.details ->> 'supersededId' = event.event_id
        and wrong.details ->> 'supersededSource' = event.source)`,
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
