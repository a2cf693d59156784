import { admitEvents, type AccountHistory } from '../../events/admit-events.ts';
import type { Event } from '../../events/event.ts';
import { eventParser } from '../../events/parse-event.ts';
import { describeRefusal } from '../../events/refusal.ts';
import { estimateAccount } from '../../invoicing/previews/estimate.ts';
import { documentedPriceBook } from '../../pricing/price-book.ts';
import { later, toDate, toSecond, type Second } from '../../values/instant.ts';
import { estimateToJson, estimateToText } from './estimate-output.ts';
import { EXIT_INVALID } from '../exit-code.ts';
import { instantOption } from '../instant-option.ts';
import { printJson, type Output } from '../output.ts';
import { readEventLines } from '../events/read-events.ts';
import { asInForce, readPriceBookFile } from '../prices/read-price-book.ts';

export type EstimateOptions = {
  readonly until?: string;
  readonly priceBook?: string;
  readonly json?: true;
};

type Context = { readonly output: Output; readonly now: Date; readonly maxReplicas: number };

/**
 * `gigameter estimate FILE`: prices a file of events by pure computation, without database or queue, at the
 * documentation's prices or those of `--price-book`. Events that are refused or still wait for their account
 * or app are named on stderr and left out; refused ones make the exit code 2.
 */
export async function estimateCommand(
  { output, now, maxReplicas }: Context,
  file: string,
  options: EstimateOptions,
): Promise<number> {
  const until = instantOption('--until', options.until, now);
  const priceBook =
    options.priceBook === undefined
      ? documentedPriceBook()
      : asInForce(await readPriceBookFile(options.priceBook));
  const { histories, complaints, refused } = await readHistories(file, maxReplicas, until, now);
  const accounts = histories.map((history) => estimateAccount(history, [priceBook], until));
  for (const complaint of complaints) output.note(complaint);
  if (options.json) printJson(output, estimateToJson(accounts));
  else output.data(estimateToText(accounts));
  return refused === 0 ? 0 : EXIT_INVALID;
}

async function readHistories(
  file: string,
  maxReplicas: number,
  until: Second,
  now: Date,
): Promise<{ histories: AccountHistory[]; complaints: string[]; refused: number }> {
  const parse = eventParser(maxReplicas);
  // A future that is asked for may be priced; a clock that runs ahead is refused as ever.
  const clock = toDate(later(until, toSecond(now)));
  const complaints: string[] = [];
  const events: { readonly line: number; readonly event: Event }[] = [];
  let refused = 0;
  for await (const one of readEventLines(file)) {
    if ('unreadable' in one) {
      refused += 1;
      complaints.push(`line ${one.line} refused: ${one.unreadable} is not JSON`);
      continue;
    }
    const parsed = parse(one.reported, clock);
    if (parsed.ok) {
      events.push({ line: one.line, event: parsed.event });
    } else {
      refused += 1;
      complaints.push(`line ${one.line} refused: ${describeRefusal(parsed.refusal)}`);
    }
  }
  const { outcomes, byAccount } = admitEvents(events.map(({ event }) => event));
  outcomes.forEach((outcome, index) => {
    const line = `line ${events[index]!.line}`;
    if (outcome.status === 'refused') {
      refused += 1;
      complaints.push(`${line} refused: ${describeRefusal(outcome.refusal)}`);
    } else if (outcome.status === 'parked') {
      const { kind, name } = outcome.waitsFor;
      complaints.push(`${line} left out: the ${kind} ${JSON.stringify(name)} never appears`);
    }
  });
  return { histories: [...byAccount.values()], complaints, refused };
}
