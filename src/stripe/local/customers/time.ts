import { named, type Call } from '../call.ts';
import type { Customer } from '../state/objects.ts';
import type { World } from '../state/world.ts';

/** The time a customer lives in: its test clock's, else this server's. Whole seconds. */
export function timeOf(world: World, owner: Pick<Customer, 'test_clock'>): number {
  const clock =
    owner.test_clock === null ? undefined : world.get('test_helpers.test_clock', owner.test_clock);
  return clock?.frozen_time ?? world.now();
}

export function demandTestClock(call: Call, id: string | undefined): string | null {
  return id === undefined ? null : named(call, 'test_helpers.test_clock', id, 'test_clock').id;
}
