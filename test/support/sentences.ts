import type { Report } from './reports.ts';

/** All sentences about an account. Words in capitals stand for a name or a number. */
export const SENTENCES: Readonly<Record<string, string>> = {
  'signs up': 'account.created',
  'confirms its e-mail address': 'account.confirmed',
  upgrades: 'account.upgraded',
  'closes its account': 'account.deleted',
  'creates app APP': 'app.created',
  'deploys app APP at REPLICAS × SIZE': 'app.deployed',
  'scales app APP to REPLICAS × SIZE': 'app.scaled',
  'deletes app APP': 'app.deleted',
  'gets database DATABASE of size SIZE for app APP': 'database.available',
  'resizes database DATABASE to size SIZE': 'database.resized',
  'deletes database DATABASE': 'database.deleted',
  'counts ROWS rows in database DATABASE': 'database.rows_observed',
  'starts job JOB of size SIZE in app APP': 'job.started',
  'ends job JOB in app APP': 'job.finished',
  'withdraws report WRONG': 'event.superseded',
  'corrects report WRONG to REPLICAS × SIZE': 'event.superseded',
};

const NUMBERS = new Set(['REPLICAS', 'SIZE', 'ROWS']);
const PATTERNS = Object.entries(SENTENCES).map(([sentence, type]) => ({
  type,
  pattern: new RegExp(
    `^(?<account>\\S+) ${sentence.replaceAll(/[A-Z]+/g, groupOf)}` +
      String.raw`(?: \(report (?<report>\S+)\))?(?: \(sequence (?<sequence>\S+)\))?$`,
  ),
}));

function groupOf(word: string): string {
  return `(?<${word.toLowerCase()}>${NUMBERS.has(word) ? String.raw`-?[\d,]*\.?\d+` : String.raw`\S+`})`;
}

/** The report a sentence stands for; undefined when it is none of the sentences. */
export function reportOf(sentence: string, id: string, time: string): Report | undefined {
  for (const { type, pattern } of PATTERNS) {
    const { report, sequence, ...words } = pattern.exec(sentence)?.groups ?? {};
    if (words.account === undefined) continue;
    const values = Object.entries(words).map(([name, word]) => [name, valueOf(name, word)]);
    return {
      specversion: '1.0',
      id: report ?? id,
      source: 'story',
      type,
      time,
      ...(sequence === undefined ? {} : { sequence }),
      data: dataOf(type, Object.fromEntries(values) as Report['data']),
    };
  }
  return undefined;
}

function valueOf(name: string, word: string): string | number {
  return NUMBERS.has(name.toUpperCase()) ? Number(word.replaceAll(',', '')) : word;
}

function dataOf(type: string, words: Report['data']): Report['data'] {
  if (type === 'account.created') return { ...words, email: 'owner@example.com' };
  if (type !== 'event.superseded') return words;
  const { account, wrong, ...instead } = words;
  return {
    account,
    superseded_source: 'story',
    superseded_id: wrong,
    actor: 'operator',
    reason: 'it was reported wrongly',
    ...(Object.keys(instead).length === 0 ? {} : { instead }),
  };
}
