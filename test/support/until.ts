import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until `condition` gives something truthy and returns that.
 *
 * @throws when it did not within `deadlineMs`; `what` says in words what was waited for.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 90_000,
): Promise<NonNullable<T>> {
  const deadlineAt = Date.now() + deadlineMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadlineAt) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await sleep(20);
  }
}
