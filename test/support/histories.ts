import fc from 'fast-check';
import { followingId } from '../../src/events/derived.ts';
import { boundary } from '../../src/values/period.ts';
import { formatSecond, type Second } from '../../src/values/instant.ts';
import type { Report } from './reports.ts';

/** A random but possible history of one account, with its reports in the order things happened. */
export type History = {
  readonly account: string;
  readonly signedUpAt: Second;
  readonly until: Second;
  readonly reports: readonly Report[];
};

const APPS = ['api', 'web'];
const APP_SIZES = [0.2, 0.3, 0.5, 1, 2, 3.7, 16];
const DATABASE_SIZES = [0.6, 1.7, 4, 128];

/** Sign-ups late in the month, so that clamping matters. */
const signUpTime = fc.constantFrom(
  '2025-11-30T22:15:07Z',
  '2026-01-31T10:00:00Z',
  '2026-01-29T00:00:00Z',
  '2026-02-10T23:59:59Z',
  '2024-02-29T12:00:00Z',
);

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('app.deployed' as const, 'app.scaled' as const),
      app: fc.constantFrom(...APPS),
      replicas: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 }), fc.constant(1000)),
      size: fc.constantFrom(...APP_SIZES),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('database' as const),
      app: fc.constantFrom(...APPS),
      step: fc.constantFrom('available', 'resized', 'deleted'),
      size: fc.constantFrom(...DATABASE_SIZES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('job' as const),
      app: fc.constantFrom(...APPS),
      job: fc.constantFrom('j1', 'j2', 'j3'),
      lasts: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
      size: fc.constantFrom(...APP_SIZES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('supersede' as const),
      nth: fc.nat({ max: 30 }),
      replicas: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'app.created' as const,
        'app.deleted' as const,
        'app.deleted' as const,
        'account.upgraded' as const,
        'account.confirmed' as const,
      ),
      app: fc.constantFrom(...APPS),
    }),
  },
);

const timing = (months: number) =>
  fc.record({
    /** Which boundary the happening is near, and how far from it. */
    month: fc.integer({ min: 0, max: months }),
    offset: fc.oneof(
      fc.constantFrom(0, 0, 1, -1, 60, 86_400),
      fc.integer({ min: 0, max: 31 * 86_400 }),
    ),
    fraction: fc.constantFrom('', '', '', '.25', '.5'),
    sequence: fc.constantFrom(undefined, undefined, undefined, '7', '12', '012', 'x'),
  });

/** Histories of some months, biased to boundaries, same instants and jobs across them. */
export const historyOf = (months: number): fc.Arbitrary<History> =>
  fc
    .record({
      signUp: signUpTime,
      happenings: fc.array(fc.tuple(happening, timing(months)), {
        minLength: 4,
        maxLength: 25,
        size: 'max',
      }),
      length: fc.integer({ min: 1, max: (months * 31 - 1) * 86_400 }),
      account: fc.constantFrom('acme', 'Ünïcode ☃ GmbH', "o'hara; drop table event", 'null'),
      // Ids order reports of one instant, wherever their characters stand among those of derived ids.
      idPrefix: fc.constantFrom('e-', '', 'E', 'delete web '),
    })
    .map(({ signUp, happenings, length, account, idPrefix }) => {
      const signedUpAt = BigInt(Date.parse(signUp) / 1000);
      let count = 0;
      const report = (type: string, at: Second, when: Timing, data: object): Report => ({
        specversion: '1.0',
        id: `${idPrefix}${++count}`,
        source: 'controller',
        type,
        time: formatSecond(at < signedUpAt ? signedUpAt : at).replace('Z', `${when.fraction}Z`),
        ...(when.sequence === undefined ? {} : { sequence: when.sequence }),
        data: { account, ...data },
      });
      const created = report('account.created', signedUpAt, EXACT, { email: 'owner@acme.example' });
      const reports = happenings.flatMap(([what, when]): Report[] => {
        const at = boundary(signedUpAt, when.month) + BigInt(when.offset);
        switch (what.kind) {
          case 'app.deployed':
          case 'app.scaled': {
            const { app, replicas, size } = what;
            return [report(what.kind, at, when, { app, replicas, size })];
          }
          case 'database': {
            const { app, step, size } = what;
            const database = `${app}-db`;
            if (step === 'deleted') return [report('database.deleted', at, when, { database })];
            const data = step === 'available' ? { app, database, size } : { database, size };
            return [report(`database.${step}`, at, when, data)];
          }
          case 'job': {
            const { app, job, size, lasts } = what;
            const started = report('job.started', at, when, { app, job, size });
            if (lasts === undefined) return [started];
            return [started, report('job.finished', at + BigInt(lasts), when, { app, job })];
          }
          case 'supersede': {
            const { nth, replicas } = what;
            const instead = replicas === undefined ? {} : { instead: { replicas } };
            return [report('event.superseded', at, when, { nth, ...instead })];
          }
          case 'app.created':
          case 'app.deleted':
            return [report(what.kind, at, when, { app: what.app })];
          case 'account.upgraded':
          case 'account.confirmed':
            return [report(what.kind, at, when, {})];
        }
      });
      return {
        account,
        signedUpAt,
        until: signedUpAt + BigInt(length),
        reports: nameSuperseded([created, ...reports]),
      };
    });

/** Up to three months. */
export const history: fc.Arbitrary<History> = historyOf(3);

type Timing = { readonly fraction: string; readonly sequence: string | undefined };
const EXACT: Timing = { fraction: '', sequence: undefined };

/** The reports in any order, some of them several times. */
export function delivered(reports: readonly Report[]): fc.Arbitrary<readonly Report[]> {
  return fc
    .tuple(
      fc.shuffledSubarray([...reports], { minLength: reports.length }),
      fc.subarray([...reports]),
    )
    .chain(([all, again]) =>
      fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }),
    );
}

/**
 * A history with supersessions on top of its own, each of a report or of what came instead of one by an earlier of
 * these, to another instant and size too, so that chains of them form. Not for whoever counts by replicas alone.
 */
export const withChains = (histories: fc.Arbitrary<History>): fc.Arbitrary<History> =>
  fc
    .tuple(
      histories,
      fc.array(
        fc.record({
          nth: fc.nat({ max: 40 }),
          instead: fc.record(
            {
              days: fc.integer({ min: -20, max: 20 }),
              replicas: fc.integer({ min: 0, max: 3 }),
              size: fc.nat({ max: 2 }),
            },
            { requiredKeys: [] },
          ),
        }),
        { minLength: 2, maxLength: 8 },
      ),
    )
    .map(([one, wishes]) => {
      const { reports, signedUpAt, account } = one;
      const cannot = ['account.created', 'account.deleted', 'event.superseded'];
      const superseded = new Set(reports.map(({ data }) => data.superseded_id));
      const targets = reports.filter(
        ({ type, id }) => !cannot.includes(type) && !superseded.has(id),
      );
      const chained: Report[] = [];
      for (const { nth, instead } of wishes) {
        const [target] = targets.splice(nth % Math.max(targets.length, 1), 1);
        if (target === undefined) break;
        const corrected = correctionOf(target, instead, signedUpAt);
        const report: Report = {
          ...reports[0]!,
          id: `chain ${chained.length}`,
          type: 'event.superseded',
          data: {
            account,
            superseded_source: target.source,
            superseded_id: target.id,
            actor: 'ops',
            reason: 'it was wrong',
            instead: corrected,
          },
        };
        chained.push(report);
        const from = [report.source, report.id];
        targets.unshift({
          ...target,
          source: 'gigameter',
          id: followingId(target, 'instead', from),
          time: corrected.time ?? target.time,
        });
      }
      return { ...one, reports: [...reports, ...chained] };
    });

/** What of it can be corrected. */
function correctionOf(
  { type, time, data }: Report,
  wish: { days?: number; replicas?: number; size?: number },
  signedUpAt: Second,
): { time?: string; replicas?: number; size?: number } {
  const at = BigInt(Date.parse(time)) / 1000n + BigInt(wish.days ?? 0) * 86_400n;
  const sizes = type.startsWith('database') ? DATABASE_SIZES : APP_SIZES;
  return {
    ...(wish.days === undefined ? {} : { time: formatSecond(at < signedUpAt ? signedUpAt : at) }),
    ...(wish.replicas === undefined || !('replicas' in data) ? {} : { replicas: wish.replicas }),
    ...(wish.size === undefined || !('size' in data) ? {} : { size: sizes[wish.size]! }),
  };
}

/**
 * Lets each supersession name one of the other reports that may be superseded, each at most once and with new
 * replicas only where there are any; without one it goes.
 */
function nameSuperseded(reports: readonly Report[]): Report[] {
  const taken = new Set<string>();
  return reports.flatMap((report): Report[] => {
    if (report.type !== 'event.superseded') return [report];
    const { nth, instead, account } = report.data;
    const target = reports[Number(nth) % reports.length]!;
    const cannot = ['account.created', 'account.deleted', 'event.superseded'];
    if (cannot.includes(target.type) || taken.has(target.id)) return [];
    taken.add(target.id);
    const data = {
      account,
      superseded_source: target.source,
      superseded_id: target.id,
      actor: 'ops',
      reason: 'it was wrong',
      ...('replicas' in target.data && instead !== undefined ? { instead } : {}),
    };
    return [{ ...report, data }];
  });
}
