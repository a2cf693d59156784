/** Whole US cents. */
export type Cents = bigint;

/** `$161.29`, `$12,800.00`, `-$5.00` */
export function formatCents(cents: Cents): string {
  const absolute = cents < 0n ? -cents : cents;
  const dollars = (absolute / 100n).toLocaleString('en-US');
  const rest = (absolute % 100n).toString().padStart(2, '0');
  return `${cents < 0n ? '-' : ''}$${dollars}.${rest}`;
}
