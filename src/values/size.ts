/** App sizes: 0.2 … 16 in steps of 0.1 (R6). One unit is 1 GB of memory and 1 CPU share (R7). */
export const APP_SIZE_RULE = 'a number from 0.2 to 16 in steps of 0.1';

/** Database sizes (R42). */
export const DATABASE_SIZES = [0.6, 1.7, 4, 8, 16, 32, 64, 128] as const;
export const DATABASE_SIZE_RULE = `one of ${DATABASE_SIZES.join(', ')}`;

export const DEFAULT_DATABASE_SIZE_TENTHS = 6;
export const FREE_APP_SIZE_TENTHS = 2;

export function isAppSize(value: unknown): value is number {
  return isWholeTenths(value) && value >= 0.2 && value <= 16;
}

export function isDatabaseSize(value: unknown): value is number {
  return DATABASE_SIZES.some((size) => size === value);
}

/** Sizes are kept as whole tenths, so that no float touches usage (D4): 0.5 → 5. */
export function toTenths(size: number): number {
  return Math.round(size * 10);
}

export function fromTenths(tenths: number): number {
  return tenths / 10;
}

/** Usage in tenths of a unit-second as a decimal: 13392000n → '1339200', 3n → '0.3'. */
export function formatTenths(tenths: bigint): string {
  const rest = tenths % 10n;
  const whole = (tenths / 10n).toString();
  return rest === 0n
    ? whole
    : `${tenths < 0n && whole === '0' ? '-0' : whole}.${rest < 0n ? -rest : rest}`;
}

function isWholeTenths(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && toTenths(value) / 10 === value;
}
