import { toJson } from './text.ts';

const SHOWN_CHARACTERS = 100;

/** A value as a person would recognise it in a message: JSON, shortened; empty when it is missing. */
export function showValue(value: unknown): string {
  if (value === undefined) return '';
  return shorten(typeof value === 'number' ? String(value) : toJson(value)!);
}

export function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** What is found in `value` along a path of keys; undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (Reflect.get(at, key) as unknown)
        : undefined,
    value,
  );
}
