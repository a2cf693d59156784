import { randomInt } from 'node:crypto';
import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';

/** Names become host names: a DNS label, as RFC 1123 has it, that starts with a letter. */
const APP_NAME = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const APP_NAME_RULE =
  'must be 1 to 63 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen';

export function isAppName(text: string): boolean {
  return APP_NAME.test(text);
}

/**
 * Gives an account a name for a new app, the wanted one or a made-up one. A name is given out once for ever:
 * invoices and usage go by it, also after the app is deleted.
 *
 * @throws Fault `app_name_taken`.
 */
export async function takeName(
  tx: Db,
  accountId: string,
  wanted: string | undefined,
): Promise<string> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const app = wanted ?? makeName();
    const taken = await tx
      .insertInto('app_name')
      .values({ app, account_id: accountId })
      .onConflict((conflict) => conflict.doNothing())
      .returning('app')
      .executeTakeFirst();
    if (taken !== undefined) return app;
    if (wanted !== undefined) break;
  }
  throw nameTaken();
}

export function nameTaken(): Fault {
  return new Fault('conflict', 'app_name_taken', 'has already been taken');
}

/** Of 4,500,000 names: that many in a row are taken only when there are hardly any left. */
const MOST_TRIES = 20;

const QUALITIES =
  'amber bold brisk calm clever copper crisp eager early fair fresh gentle golden happy keen kind lively lucky mellow misty noble quick quiet sunny swift';
const THINGS =
  'badger beech comet coral falcon fern finch harbor heron lagoon lark maple meadow otter pebble pine river robin sparrow spruce';

function makeName(): string {
  const pick = (words: string): string => {
    const all = words.split(' ');
    return all[randomInt(all.length)]!;
  };
  return `${pick(QUALITIES)}-${pick(THINGS)}-${randomInt(1000, 10_000)}`;
}
