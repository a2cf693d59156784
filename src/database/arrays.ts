/**
 * Arrays as the text PostgreSQL reads, several times cheaper to build for long arrays than the driver's
 * own encoding. Numbers, bigints and booleans need no escaping.
 */
export function numberArray(values: readonly (number | bigint | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map(textElement).join(',')}}`;
}

const PLAIN = /^[A-Za-z0-9_.:@/-]+$/;

function textElement(value: string | null): string {
  if (value === null) return 'NULL';
  // NULL in any case would be read as a null.
  if (PLAIN.test(value) && value.length !== 4) return value;
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
