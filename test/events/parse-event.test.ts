import { describe, expect, test } from 'vitest';
import { describeRefusal } from '../../src/events/refusal.ts';
import {
  APP_SIZE,
  arriving,
  DATABASE_SIZE,
  IDENTIFIER,
  INSTANT,
  now,
  parse,
  refusalOf,
  REPLICAS,
  ROWS,
  SHORT_IDENTIFIER,
  TYPES,
} from '../support/refusals.ts';
import { VALID, validReport } from '../support/valid-reports.ts';

/** What is right for each attribute and each field of data. */
const RULES: Readonly<Record<string, string>> = {
  specversion: 'must be "1.0"',
  id: SHORT_IDENTIFIER,
  source: `${SHORT_IDENTIFIER}, not "gigameter"`,
  type: `must be one of ${TYPES}`,
  time: INSTANT,
  'data.account': IDENTIFIER,
  'data.app': IDENTIFIER,
  'data.database': IDENTIFIER,
  'data.job': IDENTIFIER,
  'data.email': 'must be an e-mail address',
  'data.replicas': REPLICAS,
  'data.rows': ROWS,
};

function ruleOf(type: string, field: string): string {
  if (field !== 'data.size') return RULES[field]!;
  return type.startsWith('database') ? DATABASE_SIZE : APP_SIZE;
}

describe.each(VALID)('a report of $type', ({ type, data, fact }) => {
  test('is read as its fact, its identity kept as it is', () => {
    expect(parse(validReport(type, { sequence: '17' }), now)).toEqual({
      ok: true,
      event: {
        account: 'acme',
        source: 'controller',
        id: 'e-17',
        occurredAt: { second: 1_768_003_200n, fraction: '' },
        sequence: '17',
        fact,
      },
    });
  });

  test.each(['specversion', 'id', 'source', 'type', 'time'])('needs %s', (attribute) => {
    const { [attribute]: _missing, ...rest } = validReport(type) as Record<string, unknown>;
    const rule = ruleOf(type, attribute);
    expect(refusalOf(rest)).toEqual({
      code: 'invalid_event',
      field: attribute,
      value: '',
      rule,
    });
    expect(describeRefusal(refusalOf(rest))).toBe(`${attribute} is missing; it ${rule}`);
  });

  test.each(Object.keys(data))('needs data.%s, and refuses null for it', (name) => {
    const { [name]: _missing, ...rest } = data;
    const field = `data.${name}`;
    const rule = ruleOf(type, field);
    const code = 'invalid_event';
    expect(refusalOf(validReport(type, { data: rest }))).toEqual({ code, field, value: '', rule });
    expect(refusalOf(validReport(type, {}, { [name]: null }))).toEqual({
      code,
      field,
      value: 'null',
      rule,
    });
  });

  test.each([
    ['missing', undefined, ''],
    ['null', null, 'null'],
    ['a list', [], '[]'],
    ['text', 'web', '"web"'],
  ])('needs data to be an object: %s', (_what, wrong, value) => {
    const rule = `must be an object with ${Object.keys(data).join(', ')}`;
    expect(refusalOf(validReport(type, { data: wrong }))).toEqual({
      code: 'invalid_event',
      field: 'data',
      value,
      rule,
    });
  });

  test('refuses fields that are not its own: they are misspellings', () => {
    expect(refusalOf(validReport(type, {}, { replica: 3 }))).toEqual({
      code: 'invalid_event',
      field: 'data.replica',
      value: '3',
      rule: `is not a field of ${type}, which takes ${Object.keys(data).join(', ')}`,
    });
  });
});

test.each([
  ['an unknown one', '"app.restarted"'],
  ['another case', '"APP.SCALED"'],
  ['empty', '""'],
  ['a number', '5'],
  ['a list', '["app.scaled"]'],
  ['a name every object has', '"constructor"'],
  ['the name of a prototype', '"__proto__"'],
])('a type that is none is refused with the list of all: %s', (_what, type) => {
  expect(refusalOf(validReport('app.scaled', { type: arriving(type) }))).toEqual({
    code: 'invalid_event',
    field: 'type',
    value: type,
    rule: `must be one of ${TYPES}`,
  });
});

test.each([
  ['null', 'null'],
  ['42', '42'],
  ['"app.scaled"', '"app.scaled"'],
  ['[]', '[]'],
])('%s is refused: it is no event', (json, value) => {
  const refusal = { field: 'event', value, rule: 'must be a CloudEvents 1.0 object' };
  expect(refusalOf(arriving(json))).toMatchObject(refusal);
});

test.each([
  ['id', '""', SHORT_IDENTIFIER],
  ['id', '17', SHORT_IDENTIFIER],
  ['id', JSON.stringify('a\nb'), SHORT_IDENTIFIER],
  ['id', JSON.stringify(`x${'é'.repeat(150)}`), SHORT_IDENTIFIER],
  ['source', '""', `${SHORT_IDENTIFIER}, not "gigameter"`],
  ['source', '"gigameter"', `${SHORT_IDENTIFIER}, not "gigameter"`],
  ['specversion', '"0.3"', 'must be "1.0"'],
  ['specversion', '1', 'must be "1.0"'],
  ['sequence', '17', SHORT_IDENTIFIER],
  ['sequence', '""', SHORT_IDENTIFIER],
  ['sequence', 'null', SHORT_IDENTIFIER],
  ['time', '1768003200', INSTANT],
  ['time', '"2026-01-10T00:00:00"', INSTANT],
  ['time', '"2026-02-30T00:00:00Z"', INSTANT],
  ['time', '"2016-12-31T23:59:60Z"', INSTANT],
  ['time', '"2026-01-10"', INSTANT],
])('%s cannot be %s', (field, value, rule) => {
  expect(refusalOf(validReport('app.scaled', { [field]: arriving(value) }))).toEqual({
    code: 'invalid_event',
    field,
    value: value.length > 100 ? `${value.slice(0, 100)}…` : value,
    rule,
  });
});

test.each(['account', 'app', 'database', 'job'])('an id has 200 characters at most: %s', (name) => {
  const type = name === 'database' ? 'database.available' : 'job.started';
  const longest = 'x'.repeat(200);
  expect(parse(validReport(type, {}, { [name]: longest }), now).ok).toBe(true);
  const refusal = refusalOf(validReport(type, {}, { [name]: `${longest}x` }));
  expect(refusal).toMatchObject({ field: `data.${name}`, rule: IDENTIFIER });
  expect(refusal.value).toBe(`"${'x'.repeat(99)}…`);
});

test('names that every object has are ordinary names', () => {
  const names = { account: '__proto__', app: 'constructor', job: 'toString' };
  expect(parse(validReport('job.finished', { id: 'hasOwnProperty' }, names), now)).toMatchObject({
    ok: true,
    event: {
      account: '__proto__',
      id: 'hasOwnProperty',
      fact: { app: 'constructor', job: 'toString' },
    },
  });
});

test('a field named __proto__ neither stands in for a missing one nor passes', () => {
  const json = JSON.stringify(validReport('app.scaled'));
  const instead = arriving(json.replace('"size":2.3', '"__proto__":{"size":2.3}'));
  expect(refusalOf(instead)).toMatchObject({ field: 'data.size', value: '' });
  const beside = arriving(json.replace('"size":2.3', '"size":2.3,"__proto__":{"size":16}'));
  expect(refusalOf(beside)).toMatchObject({ field: 'data.__proto__', value: '{"size":16}' });
  const around = arriving(json.replace('{"specversion"', '{"__proto__":{"x":1},"specversion"'));
  expect(parse(around, now).ok).toBe(true);
  expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
});

test('attributes of CloudEvents beyond ours are allowed and not kept', () => {
  const extended = { subject: 'web', datacontenttype: 'application/json', traceparent: '00-1' };
  expect(parse(validReport('app.scaled', extended), now)).toEqual(
    parse(validReport('app.scaled'), now),
  );
});

test.each([
  ['2026-02-01T12:05:00Z', true],
  ['2026-02-01T12:05:00.999Z', true],
  ['2026-02-01T13:05:00+01:00', true],
  ['2026-02-01T12:05:01Z', false],
  ['2026-02-01T12:05:01.000Z', false],
  ['2099-01-01T00:00:00Z', false],
])('300 seconds ahead of our clock are allowed, 301 are not: %s at 12:00:00', (time, isTaken) => {
  expect(parse(validReport('app.scaled', { time }), now).ok).toBe(isTaken);
  if (isTaken) return;
  expect(refusalOf(validReport('app.scaled', { time }))).toEqual({
    code: 'invalid_event',
    field: 'time',
    value: `"${time}"`,
    rule: "must be not more than 5 minutes ahead of the meter's clock, 2026-02-01T12:00:00.000Z",
  });
});

test('times before the year 2000 come from unset clocks and are refused', () => {
  const first = validReport('app.scaled', { time: '2000-01-01T00:00:00Z' });
  expect(parse(first, now).ok).toBe(true);
  expect(refusalOf({ ...first, time: '1999-12-31T23:59:59Z' })).toMatchObject({
    field: 'time',
    rule: 'must be not before 2000-01-01T00:00:00Z',
  });
});

test.each([
  ['2026-02-01T12:05:00Z', true],
  ['2026-02-01T12:05:01Z', false],
  ['1999-12-31T23:59:59Z', false],
])('what is true instead cannot be further ahead than what is reported: %s', (time, isTaken) => {
  const wrong = { superseded_source: 'controller', superseded_id: 'e-1' };
  const data = { account: 'acme', ...wrong, actor: 'ops', reason: 'wrong', instead: { time } };
  const report = { ...validReport('app.scaled'), type: 'event.superseded', data };
  expect(parse(report, now).ok).toBe(isTaken);
  if (isTaken) return;
  expect(refusalOf(report)).toMatchObject({ field: 'data.instead.time', value: `"${time}"` });
});
