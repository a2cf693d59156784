import { describeRefusal } from '../../events/refusal.ts';
import type { Outcome } from '../../events/outcome.ts';
import type { RecordEvents } from '../../metering/record-events.ts';
import type { Clock } from '../../values/clock.ts';
import { EXIT_INVALID } from '../exit-code.ts';
import { printJson, tableOf, type Output } from '../output.ts';
import { readEventLines, type EventLine } from './read-events.ts';

const BATCH = 1000;

type Counts = Record<Outcome['status'] | 'unreadable', number>;

/**
 * `gigameter replay FILE`: records a file of events through the same verb as queue and HTTP. Running it
 * again changes nothing. Refused events are named on stderr and kept in quarantine; they make the exit
 * code 2.
 */
export async function replayCommand(
  {
    record,
    clock,
    output,
  }: { readonly record: RecordEvents; readonly clock: Clock; readonly output: Output },
  file: string,
  options: { readonly json?: true },
): Promise<number> {
  const counts: Counts = { recorded: 0, duplicate: 0, parked: 0, refused: 0, unreadable: 0 };
  let batch: EventLine[] = [];
  const flush = async (): Promise<void> => {
    const readable = batch.flatMap((one) => ('reported' in one ? [one] : []));
    for (const one of batch) {
      if ('unreadable' in one) {
        counts.unreadable += 1;
        output.note(`line ${one.line} left out: ${one.unreadable} is not JSON`);
      }
    }
    const outcomes = await record(
      clock(),
      readable.map(({ reported }) => reported),
    );
    outcomes.forEach((outcome, index) => {
      counts[outcome.status] += 1;
      if (outcome.status === 'refused') {
        output.note(`line ${readable[index]!.line} refused: ${describeRefusal(outcome.refusal)}`);
      }
    });
    batch = [];
  };
  let read = 0;
  for await (const one of readEventLines(file)) {
    batch.push(one);
    if (batch.length < BATCH) continue;
    await flush();
    read += BATCH;
    if (read % (100 * BATCH) === 0) output.note(`${read} events read`);
  }
  await flush();
  if (options.json) printJson(output, counts);
  else {
    const titles = Object.keys(counts).map((title) => ({ title, align: 'right' as const }));
    output.data(tableOf(titles, [Object.values(counts)]));
  }
  return counts.refused + counts.unreadable === 0 ? 0 : EXIT_INVALID;
}
