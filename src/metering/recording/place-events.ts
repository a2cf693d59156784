import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { Placed } from '../series/deltas.ts';
import type { Looked } from './look-up.ts';
import { findNeighbours, placedBetween } from '../series/neighbours.ts';
import type { NewEvent } from './new-event.ts';

/**
 * Puts new events of apps and databases in their place among those recorded before, which are sought only for
 * events that are out of order. `looked` is what was found about each.
 */
export async function placeEvents(
  tx: Db,
  events: readonly NewEvent[],
  looked: readonly Looked[],
): Promise<Placed[]> {
  const placed: Placed[] = [];
  const outOfOrder: { readonly one: NewEvent; readonly lastCutAt: Second }[] = [];
  for (const [position, one] of events.entries()) {
    const { meter, at } = one.row;
    if (meter !== 'app' && meter !== 'database') continue;
    const { lastCutAt, lineLevel, lineLastAt } = looked[position]!;
    // Later than all that is recorded of its app: the line says what was before, and nothing comes after.
    if (meter === 'app' && (lineLastAt === null || at > lineLastAt)) {
      placed.push({
        event: one.event,
        row: one.row,
        lastCutAt: lastCutAt!,
        previousLevel: lineLevel ?? 0n,
        previousSizeTenths: null,
        nextAt: undefined,
      });
    } else {
      outOfOrder.push({ one, lastCutAt: lastCutAt! });
    }
  }
  const neighbours = await findNeighbours(
    tx,
    outOfOrder.map(({ one }) => one),
  );
  for (const [index, { one, lastCutAt }] of outOfOrder.entries()) {
    placed.push(placedBetween(one, neighbours[index]!, lastCutAt));
  }
  return placed;
}
