import { whatIf, type Repriced } from '../../src/invoicing/previews/what-if.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { recorderWithin } from '../../src/metering/record-events.ts';
import { priceBooksOf } from '../../src/pricing/store.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { applySnapshot } from '../../src/sources/snapshots/apply-snapshot.ts';
import { noteHeard } from '../../src/sources/heard.ts';
import type { AccountSnapshot, Snapshot } from '../../src/sources/snapshots/snapshot.ts';
import { snapshotAnswer } from '../../src/sources/snapshots/snapshot-answer.ts';
import { expectSource, type Policy } from '../../src/sources/source-store.ts';
import { watchSilence } from '../../src/sources/silence/watch-silence.ts';
import type { Db } from '../../src/database/pool.ts';
import { Fault } from '../../src/values/fault.ts';
import { parseDecimal, times } from '../../src/values/fraction.ts';
import { toSecond } from '../../src/values/instant.ts';
import { formatCents } from '../../src/values/money.ts';
import { toTenths } from '../../src/values/size.ts';

/** A row of a story that is not about one account's reports: what the platform says of itself, or a check. */
export type PlatformStep =
  | { readonly kind: 'expected'; readonly everySeconds: number; readonly policy: Policy }
  | { readonly kind: 'lives' }
  | { readonly kind: 'shows'; readonly isForced: boolean; readonly running: Running }
  | { readonly kind: 'asks'; readonly usd: string }
  | { readonly kind: 'rebuilt' }
  | { readonly kind: 'verified' };

type Running = Pick<AccountSnapshot, 'apps' | 'databases'>;

/** RUNNING is "nothing", or things as in "app web at 3 × 1.0, database db1 of size 4 for app web". */
export const PLATFORM_SENTENCES = [
  'the platform must report every MINUTES minutes; while it is silent, what runs goes on',
  'the platform must report every MINUTES minutes; while it is silent, what runs ends',
  'the platform must report every MINUTES minutes; while it is silent, bills say so',
  'the platform says that it lives',
  'the platform shows all that runs: RUNNING',
  'the platform insists that this is all that runs: RUNNING',
  'we ask what all would have cost with apps at $USD per RSS',
  'all that is derived from reports is rebuilt',
  'all invoices are verified',
] as const;

const POLICIES: Readonly<Record<string, Policy>> = {
  'what runs goes on': 'hold',
  'what runs ends': 'close',
  'bills say so': 'flag',
};

/** The step a sentence stands for; undefined when it is none. */
export function platformStepOf(sentence: string): PlatformStep | undefined {
  if (sentence === 'the platform says that it lives') return { kind: 'lives' };
  if (sentence === 'all that is derived from reports is rebuilt') return { kind: 'rebuilt' };
  if (sentence === 'all invoices are verified') return { kind: 'verified' };
  const expected = /^the platform must report every (\d+) minutes; while it is silent, (.+)$/.exec(
    sentence,
  );
  const policy = POLICIES[expected?.[2] ?? ''];
  if (policy !== undefined) {
    return { kind: 'expected', everySeconds: Number(expected![1]) * 60, policy };
  }
  const asked = /^we ask what all would have cost with apps at \$([\d.]+) per RSS$/.exec(sentence);
  if (asked !== null) return { kind: 'asks', usd: asked[1]! };
  const shown =
    /^the platform (shows all that runs|insists that this is all that runs): (.+)$/.exec(sentence);
  const running = shown && readRunning(shown[2]!);
  return running
    ? { kind: 'shows', isForced: shown[1]!.startsWith('insists'), running }
    : undefined;
}

function readRunning(text: string): Running | undefined {
  const things = text === 'nothing' ? [] : text.split(', ');
  const apps = things.map((thing) => /^app (\S+) at (\d+) × ([\d.]+)$/.exec(thing));
  const databases = things.map((thing) =>
    /^database (\S+) of size ([\d.]+) for app (\S+)$/.exec(thing),
  );
  if (things.some((_, index) => !apps[index] && !databases[index])) return undefined;
  return {
    apps: apps.flatMap((match) => {
      const [, app, replicas, size] = match ?? [];
      if (app === undefined) return [];
      return [{ app, replicas: Number(replicas), sizeTenths: toTenths(Number(size)) }];
    }),
    databases: databases.flatMap((match) => {
      const [, database, size, app] = match ?? [];
      if (database === undefined || app === undefined) return [];
      return [{ app, database, sizeTenths: toTenths(Number(size)) }];
    }),
  };
}

const SOURCE = 'story';
const record = recorderWithin({ parse: eventParser(1000) });

/** Does what a row says and answers as its column `answer` would. */
export async function takeStep(
  db: Db,
  account: string,
  now: Date,
  step: PlatformStep,
): Promise<string> {
  switch (step.kind) {
    case 'expected': {
      const { everySeconds: expectedEverySeconds, policy } = step;
      await expectSource(db, now, { source: SOURCE, expectedEverySeconds, policy });
      return '';
    }
    case 'lives':
      await noteHeard(db, now, [SOURCE]);
      return '';
    case 'shows':
      return await showAll(db, now, { account, ...step.running }, step.isForced);
    case 'asks':
      return await askWhatIf(db, now, step.usd);
    case 'rebuilt': {
      const drifts = await rebuildSeries(db, [account], false);
      return drifts.map(({ what }) => `${what} was wrong`).join(', ');
    }
    case 'verified': {
      await sealEvents(db, account);
      const { breaks, discrepancies } = await verifyAccount(db, account);
      return breaks.length + discrepancies.length === 0 ? '' : 'not proven';
    }
  }
}

/** Looks for silences as the service does every few seconds. */
export async function watch(db: Db, now: Date): Promise<void> {
  await watchSilence({ db, record }, now);
}

async function askWhatIf(db: Db, now: Date, usd: string): Promise<string> {
  const [book] = await priceBooksOf(db, 'nobody');
  const priceBook = {
    ...book!,
    replicaSizeSecondUsd: usd,
    centsPerReplicaSizeSecond: times(parseDecimal(usd)!, 100n),
  };
  const repriced: Repriced[] = [];
  const window = { from: 0n, to: toSecond(now) };
  await whatIf(db, { priceBook, window, onPage: (page) => repriced.push(...page) });
  return repriced
    .map(({ oldCents, newCents }) => `${formatCents(newCents)} instead of ${formatCents(oldCents)}`)
    .join(', ');
}

async function showAll(
  db: Db,
  now: Date,
  { account, apps, databases }: AccountSnapshot,
  isForced: boolean,
): Promise<string> {
  const isNothing = apps.length + databases.length === 0;
  const snapshot: Snapshot = {
    source: SOURCE,
    takenAt: { second: toSecond(now), fraction: '' },
    since: undefined,
    accounts: isNothing ? [] : [{ account, apps, databases }],
  };
  try {
    const answer = snapshotAnswer(await applySnapshot({ db, record }, now, snapshot, { isForced }));
    return `${answer.corrections.recorded} corrected, ${answer.usd_per_hour} USD an hour`;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return `refused: ${error.message}`;
  }
}
