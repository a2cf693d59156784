import { createHash } from 'node:crypto';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { SavedAnswer } from '../state/inside.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { World } from '../state/world.ts';

/** Stripe may prune a key once it is a day old; then the same key runs anew (docs.stripe.com/api/idempotent_requests). */
const KEPT_MS = 24 * 3600 * 1000;
const MAX_KEY_LENGTH = 255;

export type Keys = {
  /** The saved answer to replay, or undefined when the call may run; refuses misuse and a key still running. */
  readonly look: (key: string, fingerprint: string, path: string) => SavedAnswer | undefined;
  /** From now until done, a second call with this key gets 409. */
  readonly begin: (key: string) => void;
  readonly done: (key: string) => void;
  readonly save: (answer: Omit<SavedAnswer, 'savedAtMs'>) => void;
  readonly prune: () => void;
};

export function openKeys(world: World): Keys {
  const running = new Set<string>();
  const isOld = (saved: SavedAnswer): boolean => world.nowMs() - saved.savedAtMs >= KEPT_MS;
  return {
    look: (key, fingerprint, path) => {
      if (key.length > MAX_KEY_LENGTH)
        throw invalid(`Idempotency keys can be at most ${MAX_KEY_LENGTH} characters long.`);
      if (running.has(key)) throw inUse(key);
      const saved = world.get('local.saved', key);
      if (saved === undefined || isOld(saved)) return undefined;
      if (saved.path !== path)
        throw misused(
          `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${saved.path}' vs '${path}').`,
          key,
        );
      if (saved.fingerprint !== fingerprint)
        throw misused(
          'Keys for idempotent requests can only be used with the same parameters they were first used with.',
          key,
        );
      return saved;
    },
    begin: (key) => {
      running.add(key);
    },
    done: (key) => {
      running.delete(key);
    },
    save: (answer) => world.put('local.saved', { ...answer, savedAtMs: world.nowMs() }),
    prune: () => {
      for (
        let saved = world.oldest('local.saved');
        saved !== undefined && isOld(saved);
        saved = world.oldest('local.saved')
      ) {
        world.remove('local.saved', saved.id);
      }
    },
  };
}

/** What must be the same for a key to be used again: method, path, API version and parameters. */
export function fingerprintOf(
  method: string,
  path: string,
  version: string,
  params: JsonObject,
): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, version, sorted(params)]))
    .digest('hex');
}

function sorted(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value ?? null;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}

function misused(why: string, key: string): Refusal {
  const message = `${why} Try using a key other than '${key}' if you meant to execute a different request.`;
  return new Refusal(400, { type: 'idempotency_error', message });
}

function inUse(key: string): Refusal {
  return invalid(
    `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    { code: 'idempotency_key_in_use', status: 409 },
  );
}
