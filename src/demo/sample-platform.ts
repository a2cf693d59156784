import { formatSecond, toDate, toSecond, type Second } from '../values/instant.ts';
import { boundary } from '../values/period.ts';

/** A CloudEvent as the sample platform's controller sends it. */
export type SampleEvent = {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: 'sample-platform';
  readonly type: string;
  readonly time: string;
  readonly data: Readonly<Record<string, string | number>>;
};

/** An account of the sample platform and what it does; `card` is a test token of Stripe's. */
export type SampleAccount = {
  readonly id: string;
  readonly about: string;
  readonly card?: string;
  readonly events: readonly SampleEvent[];
};

const HOUR = 3_600n;
const DAY = 24n * HOUR;

/** A small platform whose accounts have lived for some months up to `now`. */
export function samplePlatform(now: Date): SampleAccount[] {
  const today = toSecond(now);
  return [
    documentedHalfReplica(lastMonthOf(31, now)),
    documentedScaling(lastMonthOf(30, now)),
    hobbyist(today - 100n * DAY, today),
    growingStartup(today - 112n * DAY, today),
    busyShop(today - 130n * DAY, today),
    declinedCard(today - 70n * DAY),
    monthlyCron(today - 110n * DAY, today),
    closedToday(boundary(today - 2n * HOUR, -2), today),
  ];
}

type Report = (type: string, at: Second, data?: Record<string, string | number>) => void;

function account(
  id: string,
  about: string,
  card: string | undefined,
  story: (report: Report) => void,
): SampleAccount {
  const events: SampleEvent[] = [];
  story((type, at, data = {}) => {
    events.push({
      specversion: '1.0',
      id: `${id}-${events.length + 1}`,
      source: 'sample-platform',
      type,
      time: formatSecond(at),
      data: { account: id, ...data },
    });
  });
  return { id, about, events, ...(card === undefined ? {} : { card }) };
}

type Month = { readonly start: Second; readonly end: Second };

/** The latest calendar month of so many days that ended at least a day ago. */
function lastMonthOf(days: number, now: Date): Month {
  for (let back = 1; ; back++) {
    const start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1) / 1000;
    const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back + 1, 1) / 1000;
    const isOver = BigInt(end) + DAY <= toSecond(now);
    if (isOver && end - start === days * 86_400) return { start: BigInt(start), end: BigInt(end) };
  }
}

/** Chapter 12 of the documentation: one replica of size 0.5 for 31 days is $25.00. */
function documentedHalfReplica({ start, end }: Month): SampleAccount {
  return account('docs-25.00', "the documentation's first example", 'tok_visa', (report) => {
    report('account.created', start, { email: 'half@docs.example' });
    report('account.upgraded', start);
    report('app.deployed', start, { app: 'web', replicas: 1, size: 0.5 });
    report('account.deleted', end);
  });
}

/** Chapter 12: 1 × 1.0, then 3 × 1.0, then 3 × 2.0, ten days each, is $161.29. */
function documentedScaling({ start, end }: Month): SampleAccount {
  return account('docs-161.29', "the documentation's second example", 'tok_visa', (report) => {
    report('account.created', start, { email: 'scaling@docs.example' });
    report('account.upgraded', start);
    report('app.deployed', start, { app: 'web', replicas: 1, size: 1 });
    report('app.scaled', start + 10n * DAY, { app: 'web', replicas: 3, size: 1 });
    report('app.scaled', start + 20n * DAY, { app: 'web', replicas: 3, size: 2 });
    report('account.deleted', end);
  });
}

function hobbyist(start: Second, until: Second): SampleAccount {
  return account('hobby', 'one free instance and database', undefined, (report) => {
    report('account.created', start, { email: 'hobby@sample.example' });
    report('account.confirmed', start + 300n);
    report('app.created', start + HOUR, { app: 'blog' });
    report('app.deployed', start + 2n * HOUR, { app: 'blog', replicas: 1, size: 0.2 });
    report('database.available', start + DAY, { app: 'blog', database: 'blog-db', size: 0.6 });
    report('database.rows_observed', start + 20n * DAY, { database: 'blog-db', rows: 4_211 });
    report('database.rows_observed', until - 600n, { database: 'blog-db', rows: 5_038 });
  });
}

/** Begins for free, upgrades in mid-period with its database, and grows. */
function growingStartup(start: Second, until: Second): SampleAccount {
  return account(
    'startup',
    'upgraded in mid-period with a database',
    'tok_mastercard',
    (report) => {
      report('account.created', start, { email: 'team@startup.example' });
      report('app.created', start + HOUR, { app: 'api' });
      report('app.deployed', start + 2n * HOUR, { app: 'api', replicas: 1, size: 0.2 });
      report('database.available', start + 3n * HOUR, { app: 'api', database: 'main', size: 0.6 });
      const upgrade = start + 41n * DAY + 5n * HOUR;
      report('account.upgraded', upgrade);
      report('app.scaled', upgrade + HOUR, { app: 'api', replicas: 2, size: 0.5 });
      report('app.created', upgrade + 2n * DAY, { app: 'worker' });
      report('app.deployed', upgrade + 2n * DAY + HOUR, { app: 'worker', replicas: 1, size: 1 });
      report('database.resized', upgrade + 12n * DAY, { database: 'main', size: 1.7 });
      report('app.scaled', upgrade + 25n * DAY, { app: 'api', replicas: 4, size: 0.5 });
      report('app.scaled', until - 6n * DAY, { app: 'worker', replicas: 2, size: 1 });
      for (let night = upgrade + DAY, n = 1; night < until; night += DAY, n++) {
        report('job.started', night, { app: 'worker', job: `nightly-${n}`, size: 1 });
        report('job.finished', night + 95n, { app: 'worker', job: `nightly-${n}` });
      }
      // For the operator's page: one that breaks a rule, and one that comes before what it is about.
      report('app.scaled', until - 5n * HOUR, { app: 'api', replicas: 4, size: 0.25 });
      report('database.resized', until - 3n * HOUR, { database: 'reports', size: 4 });
    },
  );
}

/** Scales with its customers through the day. */
function busyShop(start: Second, until: Second): SampleAccount {
  const day = [
    { hour: 7n, replicas: 4 },
    { hour: 12n, replicas: 8 },
    { hour: 17n, replicas: 12 },
    { hour: 22n, replicas: 2 },
  ];
  return account('busy-shop', 'scales four times a day', 'tok_amex', (report) => {
    report('account.created', start, { email: 'ops@shop.example' });
    report('account.upgraded', start + HOUR);
    report('app.created', start + HOUR, { app: 'shop' });
    report('app.deployed', start + 2n * HOUR, { app: 'shop', replicas: 2, size: 1 });
    report('database.available', start + 3n * HOUR, { app: 'shop', database: 'orders', size: 4 });
    const midnight = start - (start % DAY) + DAY;
    for (let morning = midnight; morning < until; morning += DAY) {
      for (const { hour, replicas } of day) {
        const at = morning + hour * HOUR;
        if (at < until) report('app.scaled', at, { app: 'shop', replicas, size: 1 });
      }
    }
  });
}

function declinedCard(start: Second): SampleAccount {
  return account('declined', 'its card is declined', 'tok_chargeCustomerFail', (report) => {
    report('account.created', start, { email: 'owner@declined.example' });
    report('account.upgraded', start + HOUR);
    report('app.created', start + HOUR, { app: 'web' });
    report('app.deployed', start + 2n * HOUR, { app: 'web', replicas: 2, size: 0.3 });
  });
}

/** Runs so little that its invoices are carried on until they are worth a charge. */
function monthlyCron(start: Second, until: Second): SampleAccount {
  return account('tiny-cron', 'too small to charge every month', 'tok_visa', (report) => {
    report('account.created', start, { email: 'cron@sample.example' });
    report('account.upgraded', start + HOUR);
    report('app.created', start + HOUR, { app: 'cron' });
    report('app.deployed', start + 2n * HOUR, { app: 'cron', replicas: 0, size: 0.2 });
    for (let at = start + DAY, n = 1; at < until; at += 3n * DAY, n++) {
      report('app.scaled', at, { app: 'cron', replicas: 1, size: 0.2 });
      report('app.scaled', at + 3n * HOUR, { app: 'cron', replicas: 0, size: 0.2 });
    }
  });
}

/** Its month ended two hours ago: the day of an operator has something to show. */
function closedToday(start: Second, until: Second): SampleAccount {
  return account('bakery', 'its month ended today', 'tok_visa', (report) => {
    report('account.created', start, { email: 'hello@bakery.example' });
    report('account.upgraded', start + HOUR);
    report('app.created', start + HOUR, { app: 'orders' });
    report('app.deployed', start + 2n * HOUR, { app: 'orders', replicas: 2, size: 0.5 });
    report('database.available', start + DAY, { app: 'orders', database: 'breads', size: 0.6 });
    report('app.deployed', until - 1_500n, { app: 'orders', replicas: 2, size: 0.5 });
  });
}

export function firstInstant(accounts: readonly SampleAccount[]): Date {
  const times = accounts.flatMap(({ events }) => events.map(({ time }) => Date.parse(time)));
  return toDate(BigInt(Math.min(...times)) / 1000n);
}
