import { expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { describeRefusal } from '../../src/events/refusal.ts';
import {
  APP_SIZE,
  arriving,
  DATABASE_SIZE,
  now,
  parse,
  refusalOf,
  REPLICAS,
  ROWS,
} from '../support/refusals.ts';
import { validReport } from '../support/valid-reports.ts';

test.each([0.2, 0.3, 0.6, 1, 1.0, 2.3, 16])('the app size %s is taken (R6)', (size) => {
  for (const type of ['app.deployed', 'app.scaled', 'job.started'] as const) {
    expect(parse(validReport(type, {}, { size }), now).ok).toBe(true);
  }
});

test.each([
  ['0.1', '0.1'],
  ['0', '0'],
  ['0.25', '0.25'],
  ['16.1', '16.1'],
  ['-1', '-1'],
  ['1e309', 'Infinity'],
  ['"0.5"', '"0.5"'],
  ['true', 'true'],
  ['[1]', '[1]'],
  ['{}', '{}'],
])('the app size %s is refused by field, value and rule (R6)', (size, value) => {
  for (const type of ['app.deployed', 'app.scaled', 'job.started'] as const) {
    expect(refusalOf(validReport(type, {}, { size: arriving(size) }))).toEqual({
      code: 'invalid_event',
      field: 'data.size',
      value,
      rule: APP_SIZE,
    });
  }
});

test('the app size NaN, which JSON cannot say, is refused too (R6)', () => {
  expect(describeRefusal(refusalOf(validReport('app.scaled', {}, { size: Number.NaN })))).toBe(
    `data.size is NaN; it ${APP_SIZE}`,
  );
});

test.each([0.6, 1.7, 4, 8, 16, 32, 64, 128])('the database size %s is taken (R42)', (size) => {
  expect(parse(validReport('database.available', {}, { size }), now).ok).toBe(true);
  expect(parse(validReport('database.resized', {}, { size }), now).ok).toBe(true);
});

test.each([0.2, 1, 2, 0.5, 129, 0, -4])('the database size %s is refused (R42)', (size) => {
  for (const type of ['database.available', 'database.resized'] as const) {
    expect(refusalOf(validReport(type, {}, { size }))).toMatchObject({
      field: 'data.size',
      value: String(size),
      rule: DATABASE_SIZE,
    });
  }
});

test.each([0, 1, 2, 1000])('%s replicas are taken (R9)', (replicas) => {
  expect(parse(validReport('app.scaled', {}, { replicas }), now).ok).toBe(true);
});

test('2.0 replicas are 2 (R9)', () => {
  const report = arriving(JSON.stringify(validReport('app.scaled')).replace(':3,', ':2.0,'));
  expect(parse(report, now)).toMatchObject({ ok: true, event: { fact: { replicas: 2 } } });
});

test.each([
  ['1.5', '1.5'],
  ['true', 'true'],
  ['"3"', '"3"'],
  ['null', 'null'],
  ['2147483648', '2147483648'],
  ['1001', '1001'],
  ['-1', '-1'],
  ['1e309', 'Infinity'],
  ['1e300', '1e+300'],
  ['[]', '[]'],
])('%s replicas are refused by field, value and rule (R9)', (replicas, value) => {
  for (const type of ['app.deployed', 'app.scaled'] as const) {
    expect(refusalOf(validReport(type, {}, { replicas: arriving(replicas) }))).toEqual({
      code: 'invalid_event',
      field: 'data.replicas',
      value,
      rule: REPLICAS,
    });
  }
});

test('how many replicas an app may have is a setting (R9)', () => {
  const parseFew = eventParser(5);
  expect(parseFew(validReport('app.scaled', {}, { replicas: 5 }), now).ok).toBe(true);
  expect(parseFew(validReport('app.scaled', {}, { replicas: 6 }), now)).toMatchObject({
    refusal: { value: '6', rule: 'must be a whole number from 0 to 5' },
  });
});

test.each(['-1', '0.5', '1e16', '"10001"'])('%s observed rows are refused', (rows) => {
  const refusal = refusalOf(validReport('database.rows_observed', {}, { rows: arriving(rows) }));
  expect(refusal).toMatchObject({ field: 'data.rows', rule: ROWS });
});

test.each(['', 'owner', '@example.com', 'owner@', 'a b@example.com', 'a@b@c', 'a@b\n', 5])(
  'the e-mail address %j is refused',
  (email) => {
    const refusal = refusalOf(validReport('account.created', {}, { email }));
    expect(refusal).toMatchObject({ field: 'data.email', rule: 'must be an e-mail address' });
  },
);
