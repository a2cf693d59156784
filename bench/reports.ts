import type { Random } from './random.ts';

/** An event as a platform's controller reports it. */
export type Report = {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly data: {
    readonly account: string;
    readonly app?: string;
    readonly replicas?: number;
    readonly size?: number;
    readonly email?: string;
  };
};

/** Seconds since 1970 of 2026-10-01T00:00:00Z, when all accounts signed up. */
export const SIGNED_UP = 1_790_812_800;
/** When all is over: usage is asked for up to here. */
export const END = SIGNED_UP + 30 * 86_400;
export const NOW = new Date(END * 1000);

const SIZES = [0.2, 0.5, 1, 1.7, 2, 4, 8, 16];
export const APPS_PER_ACCOUNT = 3;

export function accountName(number: number): string {
  return `acct-${String(number).padStart(6, '0')}`;
}

/** Accounts in the STANDARD tier from their sign-up on, without any app yet. */
export function accountReports(random: Random, from: number, to: number): Report[] {
  return Array.from({ length: to - from }, (_, index) => accountName(from + index)).flatMap(
    (account) => [
      report(random, 'account.created', SIGNED_UP, {
        account,
        email: `${account}@platform.example`,
      }),
      report(random, 'account.upgraded', SIGNED_UP, { account }),
    ],
  );
}

export type Stream = {
  /** The accounts the events are spread over: `from` inclusive, `to` not. */
  readonly from: number;
  readonly to: number;
  readonly apps?: number;
};

/** Events of random apps at times that grow evenly from one second to another. */
export function scaleReports(
  random: Random,
  count: number,
  { from, to, apps = APPS_PER_ACCOUNT }: Stream,
  [start, end]: readonly [number, number],
): Report[] {
  return Array.from({ length: count }, (_, index) =>
    report(random, 'app.scaled', start + Math.floor(((end - start) * index) / count), {
      account: accountName(from + random.below(to - from)),
      app: `app-${random.below(apps)}`,
      replicas: random.below(20),
      size: SIZES[random.below(SIZES.length)]!,
    }),
  );
}

const DAY = 86_400;

/** The same events, one in ten of them true up to a day earlier. */
export function withLate(random: Random, reports: readonly Report[]): Report[] {
  return reports.map((one) => {
    if (random.below(10) > 0) return one;
    const at = Math.max(SIGNED_UP, Date.parse(one.time) / 1000 - random.below(DAY));
    return { ...one, time: instant(at) };
  });
}

export function report(random: Random, type: string, at: number, data: Report['data']): Report {
  return {
    specversion: '1.0',
    id: random.uuid(),
    source: 'bench',
    type,
    time: instant(at),
    data,
  };
}

function instant(second: number): string {
  return new Date(second * 1000).toISOString().replace('.000Z', 'Z');
}
