import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Fault } from '../values/fault.ts';

/**
 * scrypt with N = 2^15, r = 8, p = 3: 32 MiB and about a quarter of a second per guess, one of the settings
 * OWASP's password storage cheat sheet recommends. At most four are computed at once (Node's thread pool).
 */
const PRESENT: Cost = { log2N: 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** The CLI itself asks for 4; guesses are slow here, and limited by address. */
const FEWEST_CHARACTERS = 6;
const MOST_CHARACTERS = 200;

type Cost = { readonly log2N: number; readonly r: number; readonly p: number };

/** @throws Fault `password_unfit`. */
export function requireFitPassword(password: string): void {
  const { length } = password;
  if (length >= FEWEST_CHARACTERS && length <= MOST_CHARACTERS) return;
  const rule = `must have ${FEWEST_CHARACTERS} to ${MOST_CHARACTERS} characters`;
  throw new Fault('invalid', 'password_unfit', rule);
}

/** The only form in which a password is kept: its salted hash, with the cost it was made at. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, PRESENT);
  const { log2N, r, p } = PRESENT;
  return `scrypt$${log2N}$${r}$${p}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/**
 * Compares in constant time. Without a stored hash it costs the same and is false, so that nobody learns from
 * the time it takes which addresses have an account.
 */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const { cost, salt, hash } = readStored(stored ?? NOBODYS);
  const isSame = timingSafeEqual(await derive(password, salt, cost), hash);
  return isSame && stored !== undefined;
}

const NOBODYS = `scrypt$${PRESENT.log2N}$${PRESENT.r}$${PRESENT.p}$${Buffer.alloc(SALT_BYTES).toString('base64')}$${Buffer.alloc(HASH_BYTES).toString('base64')}`;

function readStored(stored: string) {
  const [, log2N, r, p, salt, hash] = stored.split('$');
  return {
    cost: { log2N: Number(log2N), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt!, 'base64'),
    hash: Buffer.from(hash!, 'base64'),
  };
}

async function derive(password: string, salt: Buffer, { log2N, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** log2N;
  // One of Unicode's several spellings of the same characters.
  const text = password.normalize('NFKC');
  return await new Promise((resolve, reject) => {
    scrypt(text, salt, HASH_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
