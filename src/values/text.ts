/** As PostgreSQL's collation "C" compares UTF-8; JavaScript's own order differs beyond U+FFFF. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** `1 period`, `2 periods` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Deeper than any person reads; `JSON.stringify` gives up at some thousand levels, `JSON.parse` does not. */
const DEEPEST = 100;

/** JSON of what arrived as JSON, whatever it is; below 100 levels it is cut. Undefined has none. */
export function toJson(value: unknown): string | undefined {
  return JSON.stringify(cut(value, DEEPEST));
}

function cut(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return '…';
  if (Array.isArray(value)) return value.map((item: unknown) => cut(item, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, cut(item, levels - 1)]),
  );
}
