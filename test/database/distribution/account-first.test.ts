import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../support/account-first/analyse.ts';
import { ALL_ACCOUNTS } from '../../support/account-first/exceptions.ts';

describe('a statement is account-first', () => {
  test.each([
    'select * from invoice where account_id = $1 and invoice_id = $2',
    'select * from invoice i join invoice_line l using (account_id, invoice_id) where i.account_id = any($1)',
    `select * from unnest($1::text[], $2::text[]) as given (account_id, app)
      join series on series.account_id = given.account_id and series.resource = given.app`,
    'select * from (values ($1::text, 1)) as asked (account_id, n) left join series s on s.account_id = asked.account_id',
    'select * from job where (account_id, app) in (($1, $2), ($3, $4))',
    'select (select max(at) from event e where e.account_id = a.account_id) from account a where account_id = $1',
    `select * from account a where a.account_id = $1
      and not exists (select from invoice where invoice.account_id = a.account_id)`,
    `with due as (select account_id from unnest($1::text[]) as account_id)
      update account set late_since = null from due where account.account_id = due.account_id`,
    'delete from series using account where series.account_id = account.account_id and account.account_id = $1',
    'insert into job (account_id, app) values ($1, $2) on conflict (account_id, app) do nothing',
    'copy event (account_id, source) from stdin',
    'select * from api_key where key_id = $1',
    'select account_id from quarantined_event q join account using (account_id)',
    `select * from (select resource from series where account_id = $1 limit 9) known
      cross join lateral (select * from event e where e.account_id = $2 and e.resource = known.resource limit 1) e`,
    'select * from job where account_id = $1 and app = $2 for update',
    `select * from unnest($1::text[]) as given (account_id) join account on account.account_id = given.account_id
      left join lateral (select * from event e where e.account_id = account.account_id limit 1) e on true`,
    'begin',
  ])('%s', (statement) => {
    expect(analyse(statement)).toEqual([]);
  });
});

describe('what a statement must not do is found', () => {
  test.each([
    ['select * from invoice where invoice_id = $1', ['all accounts']],
    ['select * from account where account_id = $1 or $1 is null', ['all accounts']],
    ['select * from invoice where account_id > $1 order by account_id limit 10', ['all accounts']],
    ['select * from invoice join account using (account_id)', ['all accounts']],
    ['select * from standing_event where source = $1', ['all accounts']],
    [
      'select * from job where app = $1 union select * from job where account_id = $2',
      ['all accounts'],
    ],
    ['update invoice set state = $1 where invoice_id = $2', ['all accounts']],
    ['delete from series where resource = $1', ['all accounts']],
    [
      'select * from account where account_id = $1 and exists (select from invoice where total_cents > 1)',
      ['all accounts'],
    ],
    [
      'select * from invoice i join refund r on r.invoice_id = i.invoice_id where i.account_id = $1',
      ['all accounts', 'not by account'],
    ],
    [
      `with last as (select account_id, max(at) as at from event group by account_id)
        select * from last join series using (account_id)`,
      ['all accounts'],
    ],
    ['insert into job (app) values ($1)', ['not by account']],
    [
      'insert into job (account_id, app) values ($1, $2) on conflict (app) do nothing',
      ['not by account'],
    ],
    ['copy event (source) from stdin', ['not by account']],
    [
      `select * from unnest($1::text[]) as given (account_id)
        left join lateral (select * from series where account_id = given.account_id limit 1) s on true`,
      ['refused: lateral beside an array'],
    ],
    [
      `select * from (select account_id from series where account_id = any($1) limit 9) known
        left join lateral (select * from event where account_id = known.account_id limit 1) e on true`,
      ['refused: lateral beside an array'],
    ],
    [
      'select xmin <> pg_current_xact_id()::xid from account where account_id = $1',
      ['refused: transaction ids of another node'],
    ],
    [
      `select * from unnest($1::text[]) as given (account_id)
        where not exists (select from series where series.account_id = given.account_id)`,
      ['refused: subquery beside an array'],
    ],
    [
      'select * from job where account_id = any($1) for update skip locked',
      ['refused: row locks in many accounts'],
    ],
    [
      'select pg_try_advisory_xact_lock(1) from account where account_id = $1',
      ['refused: advisory lock on any node'],
    ],
    [
      `with kept as (insert into job (account_id, app) values ($1, $2) returning *)
        select * from job where account_id = $1`,
      ['refused: reads job after writing it'],
    ],
    [
      `update invoice set next_attempt_at = next_attempt_at + interval '1 day' where account_id = $1`,
      ['refused: interval arithmetic in an update'],
    ],
  ])('%s', (statement, findings) => {
    expect(analyse(statement)).toEqual(findings);
  });
});

test('the exceptions are of functions that are there, and only become fewer', () => {
  for (const sender of Object.keys(ALL_ACCOUNTS)) {
    const [file = '', name = ''] = sender.split(' ');
    expect(readFileSync(file, 'utf8'), sender).toContain(name);
  }
  expect(Object.keys(ALL_ACCOUNTS).length).toBeLessThanOrEqual(50);
});
