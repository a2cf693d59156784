import { inPath, type Call } from '../call.ts';
import { emit } from '../events/emit.ts';
import type { JsonObject } from '../json.ts';
import type { TestClock } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import { bury } from './customers.ts';

const LIFE_SECONDS = 30 * 86_400;
/** Two years, for customers without a subscription. */
const MAX_ADVANCE_SECONDS = 2 * 366 * 86_400;

export function createTestClock(
  call: Call,
  params: { readonly frozen_time: number; readonly name?: string },
): TestClock {
  const { world } = call;
  const clock: TestClock = {
    id: world.newId('clock_'),
    object: 'test_helpers.test_clock',
    created: world.now(),
    deletes_after: world.now() + LIFE_SECONDS,
    frozen_time: params.frozen_time,
    livemode: false,
    name: params.name ?? null,
    status: 'ready',
    status_details: {},
  };
  world.put('test_helpers.test_clock', clock);
  emit(call, 'test_helpers.test_clock.created', clock);
  return clock;
}

/** Answers `advancing`; the clock is ready, with all its work done, by the time of the next request. */
export function advanceTestClock(call: Call, params: { readonly frozen_time: number }): TestClock {
  const before = inPath(call, 'test_helpers.test_clock', 'test_clock');
  const { frozen_time: to } = params;
  if (to <= before.frozen_time || to > before.frozen_time + MAX_ADVANCE_SECONDS) {
    throw invalid('The frozen time must be after the current one, by two years at most.', {
      param: 'frozen_time',
    });
  }
  const ready: TestClock = { ...before, frozen_time: to };
  const advancing: TestClock = {
    ...ready,
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: to } },
  };
  call.world.put('test_helpers.test_clock', ready);
  emit(call, 'test_helpers.test_clock.advancing', advancing);
  emit(call, 'test_helpers.test_clock.ready', ready);
  return advancing;
}

/** Takes its customers with it. */
export function deleteTestClock(call: Call): JsonObject {
  const clock = inPath(call, 'test_helpers.test_clock', 'test_clock');
  const { world } = call;
  for (const customer of world.all('customer').filter((row) => row.test_clock === clock.id)) {
    bury(call, customer);
  }
  world.remove('test_helpers.test_clock', clock.id);
  emit(call, 'test_helpers.test_clock.deleted', clock);
  return { id: clock.id, object: 'test_helpers.test_clock', deleted: true };
}
