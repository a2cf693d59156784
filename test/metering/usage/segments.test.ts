import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event, Fact } from '../../../src/events/event.ts';
import { segmentsOf, segmentUsage } from '../../../src/metering/usage/segments.ts';
import { parseInstant } from '../../../src/values/instant.ts';
import { event, historyOf } from '../../support/facts.ts';

const NOON = parseInstant('2026-01-10T12:00:00Z')!.second;

/** An event some seconds after noon. */
function after(seconds: number, fact: Fact, changes: Partial<Event> = {}): Event {
  const occurredAt = { second: NOON + BigInt(seconds), fraction: '' };
  return event('2026-01-10T12:00:00Z', fact, { occurredAt, ...changes });
}

function scaled(app: string, replicas: number, sizeTenths: number): Fact {
  return { type: 'app.scaled', app, replicas, sizeTenths };
}

function jobStarted(job: string, sizeTenths: number): Fact {
  return { type: 'job.started', app: 'web', job, sizeTenths };
}

function jobFinished(job: string): Fact {
  return { type: 'job.finished', app: 'web', job };
}

const available: Fact = { type: 'database.available', app: 'web', database: 'db1', sizeTenths: 6 };

/** "web 0-100 ×30": what, from and to in seconds after noon, and the level. */
function told(events: readonly Event[]): string[] {
  return segmentsOf(historyOf(events)).map(({ meter, resource, from, to, level, sizeTenths }) => {
    const end = to === undefined ? '' : to - NOON;
    const size = meter === 'database' ? ` size ${sizeTenths}` : '';
    return `${meter} ${resource}${size} ${from - NOON}-${end} ×${level}`;
  });
}

describe('an app', () => {
  test('has a level of replicas × size from each change on, open-ended after the last (R1)', () => {
    expect(told([after(0, scaled('web', 1, 10)), after(100, scaled('web', 3, 20))])).toEqual([
      'app web 0-100 ×10',
      'app web 100- ×60',
    ]);
  });

  test('has no segment at 0 replicas (R10) nor after its deletion (R56), and may come back', () => {
    const events = [
      after(0, scaled('web', 1, 10)),
      after(10, scaled('web', 0, 10)),
      after(20, scaled('web', 2, 10)),
      after(30, { type: 'app.deleted', app: 'web' }),
      after(40, { type: 'app.deployed', app: 'web', replicas: 1, sizeTenths: 2 }),
    ];
    expect(told(events)).toEqual(['app web 0-10 ×10', 'app web 20-30 ×20', 'app web 40- ×2']);
  });

  test('is not metered by being created (R12)', () => {
    expect(told([after(0, { type: 'app.created', app: 'web' })])).toEqual([]);
  });

  test('has the last level of a second, and none of no length for the others (R5)', () => {
    const at = (fraction: string) => ({ occurredAt: { second: NOON, fraction } });
    const events = [
      after(0, scaled('web', 9, 10), at('75')),
      after(0, scaled('web', 8, 10), at('5')),
      after(60, scaled('web', 0, 10)),
    ];
    expect(told(events)).toEqual(['app web 0-60 ×90']);
  });
});

describe('a database', () => {
  test('has a segment for each size, until it is deleted, and may become available again (R47)', () => {
    const events = [
      after(0, available),
      after(10, { type: 'database.resized', database: 'db1', sizeTenths: 17 }),
      after(20, { type: 'database.deleted', database: 'db1' }),
      after(30, available),
    ];
    expect(told(events)).toEqual([
      'database db1 size 6 0-10 ×1',
      'database db1 size 17 10-20 ×1',
      'database db1 size 6 30- ×1',
    ]);
    expect(segmentsOf(historyOf(events)).map(({ app }) => app)).toEqual(['web', 'web', 'web']);
  });

  test('does not depend on the replicas of its app (R49)', () => {
    expect(told([after(0, available), after(5, scaled('web', 0, 10))])).toEqual([
      'database db1 size 6 0- ×1',
    ]);
  });
});

describe('a job', () => {
  test.each([
    ['ends when it says', [after(60, jobFinished('j'))], '0-60'],
    ['ends after 300 seconds at most', [after(301, jobFinished('j'))], '0-300'],
    ['may take exactly 300 seconds', [after(300, jobFinished('j'))], '0-300'],
    ['lasts 300 seconds when its end never comes', [], '0-300'],
    [
      'ends with the first end after its start',
      [after(90, jobFinished('j')), after(60, jobFinished('j'))],
      '0-60',
    ],
    ['is not ended by an end before its start', [after(-5, jobFinished('j'))], '0-300'],
    [
      'begins with its first start',
      [after(30, jobStarted('j', 160)), after(60, jobFinished('j'))],
      '0-60',
    ],
    ['is not ended by the end of another', [after(60, jobFinished('k'))], '0-300'],
    ['does not change with its app (R14)', [after(10, scaled('web', 9, 160))], '0-300'],
    ['does not end with its app', [after(10, { type: 'app.deleted', app: 'web' })], '0-300'],
  ])('%s (R13, R14)', (_what, others, expected) => {
    const segments = told([after(0, jobStarted('j', 5)), ...others]);
    expect(segments.filter((segment) => segment.startsWith('job'))).toEqual([
      `job j ${expected} ×5`,
    ]);
  });

  test('that ends in the second it starts is no segment', () => {
    expect(told([after(0, jobStarted('j', 5)), after(0, jobFinished('j'))])).toEqual([]);
  });

  test('that only ends is no segment', () => {
    expect(told([after(60, jobFinished('j'))])).toEqual([]);
  });

  test('has a name of its own within its app: another app may use the same', () => {
    const other: Fact = { type: 'job.started', app: 'api', job: 'j', sizeTenths: 7 };
    const ended: Fact = { type: 'job.finished', app: 'api', job: 'j' };
    const events = [after(0, jobStarted('j', 5)), after(0, other), after(10, ended)];
    expect(told(events)).toEqual(['job j 0-300 ×5', 'job j 0-10 ×7']);
  });
});

describe('usage of a window', () => {
  const segments = segmentsOf(
    historyOf([
      after(0, scaled('web', 2, 10)),
      after(50, scaled('web', 1, 3)),
      after(0, jobStarted('j', 5)),
      after(20, jobFinished('j')),
      after(10, available),
      after(90, { type: 'database.resized', database: 'db1', sizeTenths: 17 }),
    ]),
  );
  const usage = (from: number, to: number) =>
    segmentUsage(segments, { from: NOON + BigInt(from), to: NOON + BigInt(to) });

  test('is exact to the second, an app with its jobs, a database by size (R5, R13, R43)', () => {
    expect(usage(0, 100)).toEqual({
      apps: [{ app: 'web', rssTenths: 50n * 20n + 50n * 3n + 20n * 5n }],
      databases: [
        { app: 'web', database: 'db1', sizeTenths: 6, seconds: 80n },
        { app: 'web', database: 'db1', sizeTenths: 17, seconds: 10n },
      ],
    });
  });

  test('is half-open: the first second counts, the end does not', () => {
    expect(usage(49, 50).apps).toEqual([{ app: 'web', rssTenths: 20n }]);
    expect(usage(50, 51).apps).toEqual([{ app: 'web', rssTenths: 3n }]);
    expect(usage(19, 20).apps).toEqual([{ app: 'web', rssTenths: 25n }]);
    expect(usage(-10, 0)).toEqual({ apps: [], databases: [] });
  });

  test('of no length or of negative length is nothing', () => {
    expect(usage(30, 30)).toEqual({ apps: [], databases: [] });
    expect(usage(60, 30)).toEqual({ apps: [], databases: [] });
  });

  test('that is cut anywhere adds up to the whole (R5, R31)', () => {
    const instant = fc.integer({ min: -50, max: 400 });
    const total = (parts: readonly ReturnType<typeof usage>[]): [bigint, bigint] => [
      parts.flatMap(({ apps }) => apps).reduce((sum, one) => sum + one.rssTenths, 0n),
      parts.flatMap(({ databases }) => databases).reduce((sum, one) => sum + one.seconds, 0n),
    ];
    fc.assert(
      fc.property(instant, instant, instant, (a, b, c) => {
        const [from, cut, to] = [a, b, c].toSorted((x, y) => x - y) as [number, number, number];
        expect(total([usage(from, cut), usage(cut, to)])).toEqual(total([usage(from, to)]));
      }),
    );
  });
});

test('the order in which events arrive changes no segment (R57)', () => {
  const events = [
    after(0, scaled('web', 2, 10)),
    after(0, scaled('web', 3, 10), { sequence: '9' }),
    after(0, scaled('web', 4, 10), { sequence: '10' }),
    after(40, scaled('api', 1, 2)),
    after(50, { type: 'app.deleted', app: 'web' }),
    after(10, available),
    after(20, { type: 'database.deleted', database: 'db1' }),
    after(0, jobStarted('j', 5)),
    after(30, jobFinished('j')),
  ];
  const expected = told(events).toSorted();
  const shuffled = fc.shuffledSubarray(events, { minLength: events.length });
  fc.assert(
    fc.property(shuffled, (again) => {
      expect(told(again).toSorted()).toEqual(expected);
    }),
  );
});
