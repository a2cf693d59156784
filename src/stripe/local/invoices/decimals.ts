/** Cents for `quantity` × `unitAmount`, both decimal strings of up to 12 places, rounded half away from zero. */
export function multiplyToCents(quantity: string, unitAmount: string): number {
  const [a, b] = [scaled(quantity), scaled(unitAmount)];
  const product = a * b;
  const half = SCALE / 2n;
  const rounded = (product < 0n ? product - half : product + half) / SCALE;
  return Number(rounded);
}

const PLACES = 12;
const SCALE = 10n ** BigInt(PLACES * 2);

function scaled(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.replace('-', '').split('.');
  const digits = BigInt(whole + fraction.padEnd(PLACES, '0'));
  return decimal.startsWith('-') ? -digits : digits;
}
