import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/program.ts';
import { admitEvents } from '../../src/events/admit-events.ts';
import type { Event } from '../../src/events/event.ts';
import type { Outcome } from '../../src/events/outcome.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { describeRefusal } from '../../src/events/refusal.ts';
import { estimateAccount, type EstimatedAccount } from '../../src/invoicing/previews/estimate.ts';
import { totalOf, type Line } from '../../src/pricing/line.ts';
import { parseInstant } from '../../src/values/instant.ts';
import { billRows, collected, withoutBalances } from '../support/bill-rows.ts';
import { stories } from '../support/stories.ts';
import { PLATFORM_SENTENCES } from '../support/platform-sentences.ts';
import { booksAfter, PRICE_SENTENCES } from '../support/price-sentences.ts';
import { SENTENCES } from '../support/sentences.ts';
import { needsPlatform, readStory, type Story } from '../support/story.ts';

const parse = eventParser(1000);

/** The others need all of the meter. */
const estimable = stories().filter((story) => !needsPlatform(story));

const TAKEN = new Set(['recorded', 'duplicate']);

describe.each(estimable)('$title ($file)', (story) => {
  test('is estimated', () => expectEstimated(story));
});

function expectEstimated(story: Story): void {
  const { outcomes, estimate } = estimateOf(story);
  expect(outcomes.map(answerOf)).toEqual(
    // What waits at first is recorded once all has arrived.
    story.events.map(({ answer }, index) =>
      answer.startsWith('waits') && TAKEN.has(outcomes[index]!.status)
        ? answerOf(outcomes[index]!)
        : answer,
    ),
  );
  const periods = estimate.periods.map((period) => {
    expect(totalOf(period.lines)).toBe(period.totalCents);
    return {
      ...period,
      isInvoiced: period.tier === 'STANDARD',
      lines: period.lines.map((line) => ({ ...line, quantity: quantityOf(line) })),
    };
  });
  // Had no report been late, other invoices would have come to the same altogether (R60).
  if (story.events.some(({ report, heardAt }) => heardAt !== report.time)) {
    const closed = periods.filter((period) => !period.isOpen);
    const inTime = totalOf(closed.map(({ totalCents }) => ({ amountCents: totalCents })));
    const isTooLate = story.bill.some(({ what }) => what.startsWith('too late'));
    if (isTooLate) expect(inTime).not.toBe(collected(story.bill));
    else expect(inTime).toBe(collected(story.bill));
    return;
  }
  const isRunningTold = story.bill.at(-1)!.what === 'total so far';
  expect(billRows(periods.filter((period) => isRunningTold || !period.isOpen))).toEqual(
    withoutBalances(story.bill),
  );
}

test('the command estimate says the same, and its exit code whether all was taken', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gigameter-'));
  try {
    for (const story of estimable.filter(({ prices }) => prices.length === 0)) {
      const file = path.join(folder, `${story.file}.jsonl`);
      const lines = story.events.map(({ report }) => JSON.stringify(report));
      await writeFile(file, lines.join('\n'));
      const { exitCode, data, notes } = await runEstimate(file, story.until);
      const { outcomes, estimate } = estimateOf(story);
      const refused = outcomes.filter(({ status }) => status === 'refused');
      expect(exitCode, story.file).toBe(refused.length === 0 ? 0 : 2);
      for (const outcome of refused) expect(notes.join('\n')).toContain(answerOf(outcome).slice(9));
      const document = JSON.parse(data) as { accounts: { account: string; periods: unknown[] }[] };
      const told = document.accounts.find(({ account }) => account === story.account)!;
      expect(told.periods, story.file).toEqual(estimate.periods.map(toJson));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the README of the stories names every sentence, and there is one for every type of event', async () => {
  const readme = await readFile(path.join(import.meta.dirname, 'README.md'), 'utf8');
  for (const sentence of Object.keys(SENTENCES)) expect(readme).toContain(`- acme ${sentence}\n`);
  for (const sentence of PLATFORM_SENTENCES) expect(readme).toContain(`- ${sentence}\n`);
  for (const sentence of PRICE_SENTENCES) expect(readme).toContain(`- ${sentence}\n`);
  const told = new Set(stories().flatMap(({ events }) => events.map(({ report }) => report.type)));
  expect(told).toEqual(new Set(Object.values(SENTENCES)));
});

test.each([
  ['acme scale app web to 1 × 1.0', 'x.md:5: not one of the sentences of a story'],
  ['acme scales app web to two × 1.0', 'x.md:5: not one of the sentences of a story'],
  ['acme signs up | often', 'x.md:5: not 2 cells'],
])('a story that says "%s" is refused with file and line', (what, message) => {
  expect(() => readStory('x.md', storyWith({ what }))).toThrow(message);
});

test.each([
  [{ when: '2026-02-30 00:00' }, 'x.md:5: not an instant'],
  [{ when: '2026-01-01 25:00' }, 'x.md:5: not an instant'],
  [{ when: 'noon' }, 'x.md:5: not an instant'],
  [{ heading: '## Billed' }, 'x.md: there is no heading'],
  [{ row: '| app web | | | |' }, 'x.md:11: a period stands in its first row'],
  [{ row: '2026-01-01 00:00 to 2026-02-01 00:00 | web | | | |' }, 'x.md:11: not a "what"'],
  [
    { row: '2026-01-01 00:00 to 2026-02-01 00:00 | total | | | 5 |' },
    'x.md:11: not a "amount" ("5")',
  ],
  [
    { row: '2026-01-01 00:00 to 2026-02-01 00:00 | app web | 5000 RSS | all | $1.00 |' },
    'x.md:11: not a "used" ("5000 RSS")',
  ],
  [
    { row: '2026-01-01 00:00 to 2026-02-01 00:00 | app web | 5 RSS | all | $0.00 |' },
    '"total" or "no invoice" ends a period',
  ],
])('a story with %j is refused with file and line', (changes, message) => {
  expect(() => readStory('x.md', storyWith(changes))).toThrow(message);
});

function estimateOf(story: Story): {
  readonly outcomes: readonly Outcome[];
  readonly estimate: EstimatedAccount;
} {
  const parsed = story.events.map(({ report }) => parse(report, new Date(story.until)));
  const events = parsed.flatMap((one) => (one.ok ? [one.event] : []));
  const admitted = admitEvents(events);
  const outcomeOf = new Map<Event, Outcome>(
    events.map((event, index) => [event, admitted.outcomes[index]!]),
  );
  const until = parseInstant(story.until)!.second;
  return {
    outcomes: parsed.map((one) =>
      one.ok ? outcomeOf.get(one.event)! : { status: 'refused', refusal: one.refusal },
    ),
    estimate: estimateAccount(
      admitted.byAccount.get(story.account)!,
      booksAfter(
        story.prices.map(({ change }) => change),
        story.account,
      ),
      until,
    ),
  };
}

function answerOf(outcome: Outcome): string {
  switch (outcome.status) {
    case 'recorded':
      return '';
    case 'duplicate':
      return 'repeated';
    case 'parked':
      return `waits for ${outcome.waitsFor.kind} ${outcome.waitsFor.name}`;
    case 'refused':
      return `refused: ${describeRefusal(outcome.refusal)}`;
  }
}

function quantityOf(line: Line): bigint {
  return line.kind === 'app' ? line.rssTenths : line.seconds;
}

async function runEstimate(file: string, until: string) {
  const printed = { data: '', notes: [] as string[] };
  const unused = async (): Promise<never> => await Promise.reject(new Error('estimate needs none'));
  const exitCode = await runCommand(
    {
      clock: () => new Date('2015-01-01T00:00:00Z'),
      output: {
        data: (text) => void (printed.data += text),
        note: (text) => void printed.notes.push(text),
      },
      maxReplicas: 1000,
      open: unused,
      migrate: unused,
      describeApi: unused,
      start: unused,
      demo: unused,
    },
    ['estimate', file, '--until', until, '--json'],
  );
  return { exitCode, ...printed };
}

/** The documented shape of `estimate --json`, spelled out a second time. */
function toJson(period: EstimatedAccount['periods'][number]) {
  const iso = (second: bigint): string =>
    new Date(Number(second) * 1000).toISOString().replace('.000', '');
  return {
    start: iso(period.start),
    end: iso(period.end),
    tier: period.tier,
    usage: [
      ...period.usage.apps.map(({ app, rssTenths }) => ({
        app,
        replica_size_seconds: String(Number(rssTenths) / 10),
      })),
      ...period.usage.databases.map(({ app, database, sizeTenths, seconds }) => ({
        app,
        database,
        size: sizeTenths / 10,
        seconds: String(seconds),
      })),
    ],
    lines: period.lines.map((line) => ({
      app: line.app,
      ...(line.kind === 'database' ? { database: line.database } : {}),
      description: line.description,
      amount_cents: Number(line.amountCents),
    })),
    total_cents: Number(period.totalCents),
    ...(period.isOpen ? { open: true } : {}),
  };
}

function storyWith(changes: {
  readonly when?: string;
  readonly what?: string;
  readonly heading?: string;
  readonly row?: string;
}): string {
  const { when = '2026-01-01 00:00', what = 'acme signs up' } = changes;
  const { heading = '## What acme is billed by 2026-02-01 00:00' } = changes;
  const { row = '2026-01-01 00:00 to 2026-02-01 00:00 | no invoice | | | |' } = changes;
  return `# A story

| when | what |
| --- | --- |
| ${when} | ${what} |

${heading}

| period | what | used | charged | amount |
| --- | --- | --- | --- | --- |
| ${row}
`;
}
