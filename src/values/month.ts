import { Fault } from './fault.ts';

/** A calendar month of recording, UTC, such as `2025-01`. Text compares as time does. */
export type Month = string;

/** @throws Fault `invalid_month` */
export function parseMonth(text: string): Month {
  if (/^[12]\d{3}-(0[1-9]|1[0-2])$/.test(text)) return text;
  const rule = 'must be a month such as 2025-01';
  throw new Fault('invalid', 'invalid_month', `month is ${JSON.stringify(text)}; it ${rule}`);
}

export function monthOf(date: Date): Month {
  return date.toISOString().slice(0, 7);
}

/** `by` months later, or earlier where it is negative. */
export function addMonths(month: Month, by: number): Month {
  const [year, number] = month.split('-').map(Number);
  return monthOf(new Date(Date.UTC(year!, number! - 1 + by)));
}

/** Its first instant. */
export function startOf(month: Month): Date {
  return new Date(`${month}-01T00:00:00Z`);
}
