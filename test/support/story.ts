import { platformStepOf, type PlatformStep } from './platform-sentences.ts';
import { priceChangeOf, type PriceChange } from './price-sentences.ts';
import type { Report } from './reports.ts';
import { reportOf } from './sentences.ts';

/** A golden story of test/cases: what happened, and what must be billed for it. The format: its README. */
export type Story = {
  readonly file: string;
  readonly title: string;
  /** Whose bill it tells. */
  readonly account: string;
  /** The instant the bill is looked at, RFC 3339. */
  readonly until: string;
  /** In order of arrival. */
  readonly events: readonly StoryEvent[];
  readonly prices: readonly StoryPrice[];
  readonly steps: readonly StoryStep[];
  readonly bill: readonly BillRow[];
};

export type StoryEvent = {
  readonly report: Report;
  /** When the meter hears of it, where that is later than its time. */
  readonly heardAt: string;
  readonly answer: string;
};

/** A change of prices, and how many of the events come before it. */
export type StoryPrice = { readonly afterEvents: number; readonly change: PriceChange };

/** What the platform says of itself, or a check, and how many of the events come before it. */
export type StoryStep = {
  readonly afterEvents: number;
  readonly at: string;
  readonly step: PlatformStep;
  readonly answer: string;
};

/** One row as written. `period` is filled in where the table leaves it out. */
export type BillRow = { readonly [column in (typeof BILL_COLUMNS)[number]]: string };

const BILL_COLUMNS = ['period', 'what', 'used', 'charged', 'amount'] as const;

const WHEN = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d(?::(?!00)\d\d)?`;
const QUANTITY = String.raw`\d{1,3}(?:,\d{3})*(?:\.\d)? (?:RSS|s)`;
const SUBJECT = String.raw`(?:app \S+|database \S+ of app \S+, size \S+)`;
const CELLS: { readonly [column in keyof BillRow]: RegExp } = {
  period: new RegExp(`^${WHEN} to ${WHEN}$`),
  what: new RegExp(
    `^(?:${[
      SUBJECT,
      `correction of ${WHEN}: ${SUBJECT}`,
      'carried from earlier invoices',
      'carried to the next invoice',
      'written off',
      'written off before',
      'credit',
      'kept as credit',
      `not confirmed from ${WHEN} to ${WHEN}`,
      `not confirmed since ${WHEN}`,
      `too late to be corrected: what is before ${WHEN}`,
      'no invoice',
      'total',
      'total so far',
    ].join('|')})$`,
  ),
  used: new RegExp(`^(?:${QUANTITY})?$`),
  charged: new RegExp(`^(?:all|none|-?${QUANTITY})?$`),
  amount: /^(?:-?\$\d{1,3}(?:,\d{3})*\.\d\d)?$/,
};
const ANSWER =
  /^(?:|repeated|waits for (?:account|app|database|event) \S+|\d+ corrected, -?[\d.]+ USD an hour|\$\S+ instead of \$\S+|refused: .+)$/;
const CLOSING = new Set(['no invoice', 'total', 'total so far']);

/** Reads a story. Throws an Error that names file and line for whatever it does not understand. */
export function readStory(file: string, text: string): Story {
  const lines = text.split('\n').map((content, index) => {
    const fail: Fail = (why) => {
      throw new Error(`${file}:${index + 1}: ${why}: ${content.trim()}`);
    };
    return { content: content.trim(), fail };
  });
  const at = (needle: RegExp, what: string): { match: RegExpExecArray; fail: Fail } => {
    for (const { content, fail } of lines) {
      const match = needle.exec(content);
      if (match !== null) return { match, fail };
    }
    throw new Error(`${file}: there is no ${what}`);
  };
  const title = at(/^# (.+)$/, 'title ("# …")').match[1]!;
  const heading = at(
    /^## What (\S+) is billed by (.+)$/,
    'heading "## What ACCOUNT is billed by 2026-02-01 00:00"',
  );
  const [events, bill, ...more] = tablesOf(lines);
  if (events === undefined || bill === undefined || more.length > 0) {
    throw new Error(`${file}: a story has two tables: what happened, and what is billed`);
  }
  return {
    file,
    title,
    account: heading.match[1]!,
    until: readWhen(heading.match[2]!, heading.fail),
    ...readRows(events),
    bill: readBill(bill),
  };
}

type Fail = (why: string) => never;
type TableRow = { readonly cells: readonly string[]; readonly fail: Fail };
type Table = readonly [head: TableRow, ...rows: TableRow[]];

/** The tables of a Markdown file, without their lines of dashes. */
function tablesOf(lines: readonly { content: string; fail: Fail }[]): Table[] {
  const tables: [TableRow, ...TableRow[]][] = [];
  let isInside = false;
  for (const { content, fail } of lines) {
    const isRow = content.startsWith('|');
    if (isRow && !/^[|\s:-]+$/.test(content)) {
      const cells = content.replaceAll(/^\||\|$/g, '').split('|');
      const row = { cells: cells.map((cell) => cell.trim()), fail };
      if (isInside) tables.at(-1)!.push(row);
      else tables.push([row]);
    }
    isInside = isRow;
  }
  return tables;
}

/** What it tells holds for all accounts, not for its own alone. */
export function changesListPrices({ prices }: Story): boolean {
  return prices.some(({ change }) => change.account === undefined);
}

/** It tells of more than reports and prices: only the whole meter can live it. */
export function needsPlatform({ steps }: Story): boolean {
  return steps.length > 0;
}

/** "when | what", with "heard" or "answer" where they matter. */
function readRows([head, ...rows]: Table): Pick<Story, 'events' | 'prices' | 'steps'> {
  if (!/^when,what(,heard)?(,answer)?$/.test(head.cells.join())) {
    head.fail('the first table has the columns when, what and perhaps heard and answer');
  }
  const events: StoryEvent[] = [];
  const prices: StoryPrice[] = [];
  const steps: StoryStep[] = [];
  for (const [index, { cells, fail }] of rows.entries()) {
    if (cells.length !== head.cells.length) fail(`not ${head.cells.length} cells`);
    const cell = (name: string): string => cells[head.cells.indexOf(name)] ?? '';
    const [what, answer] = [cell('what'), cell('answer')];
    const time = readWhen(cell('when'), fail);
    const heardAt = cell('heard') === '' ? time : readWhen(cell('heard'), fail);
    if (!ANSWER.test(answer)) fail(`not an answer ("${answer}")`);
    const change = priceChangeOf(what, heardAt);
    if (change !== undefined) {
      prices.push({ afterEvents: events.length, change });
      continue;
    }
    const step = platformStepOf(what);
    if (step !== undefined) {
      steps.push({ afterEvents: events.length, at: time, step, answer });
      continue;
    }
    // Of one instant's events the lower row comes later.
    const report = reportOf(what, `row-${String(index + 1).padStart(3, '0')}`, time);
    events.push({
      report: report ?? fail(`not one of the sentences of a story ("${what}")`),
      heardAt,
      answer,
    });
  }
  return { events, prices, steps };
}

function readBill([head, ...rows]: Table): BillRow[] {
  if (head.cells.join() !== BILL_COLUMNS.join()) {
    head.fail(`the second table has the columns ${BILL_COLUMNS.join(', ')}`);
  }
  const bill: BillRow[] = [];
  for (const { cells, fail } of rows) {
    if (cells.length !== BILL_COLUMNS.length) fail(`not ${BILL_COLUMNS.length} cells`);
    const [written = '', what = '', used = '', charged = '', amount = ''] = cells;
    const isFirst = bill.length === 0 || CLOSING.has(bill.at(-1)!.what);
    if (isFirst === (written === '')) {
      fail('a period stands in its first row only, and "total" or "no invoice" ends it');
    }
    const period = isFirst ? written : bill.at(-1)!.period;
    const row: BillRow = { period, what, used, charged, amount };
    for (const column of BILL_COLUMNS) {
      if (!CELLS[column].test(row[column])) fail(`not a "${column}" ("${row[column]}")`);
    }
    bill.push(row);
  }
  const isEnded = CLOSING.has(bill.at(-1)?.what ?? 'total');
  if (!isEnded) rows.at(-1)!.fail('"total" or "no invoice" ends a period');
  return bill;
}

/** "2026-01-10 00:00", with seconds and fractions where they matter; UTC. Days must exist. */
function readWhen(when: string, fail: Fail): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/.exec(when);
  const minute = `${match?.[1]}T${match?.[2]}`;
  const isReal = !Number.isNaN(Date.parse(`${minute}Z`));
  if (!isReal || new Date(`${minute}Z`).toISOString().slice(0, 16) !== minute) {
    return fail(`not an instant such as 2026-01-10 00:00 ("${when}")`);
  }
  return `${minute}${match?.[3] ?? ':00'}Z`;
}
