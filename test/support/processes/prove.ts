/** Verifies an account, and writes the bundle of an invoice to a file: `prove.ts URL ACCOUNT INVOICE FILE`. */
import { appendFileSync } from 'node:fs';
import { openDatabase, openPool } from '../../../src/database/pool.ts';
import { writeBundle } from '../../../src/proof/bundle.ts';
import { verifyAccount } from '../../../src/proof/verify-account.ts';

const [url, account, invoiceId, file] = process.argv.slice(2) as [string, string, string, string];
const pool = openPool({ url, log: console.error });
const db = openDatabase(pool);
await writeBundle(db, account, invoiceId, (lines) => appendFileSync(file, `${lines.join('\n')}\n`));
const { sealedEvents, ...proof } = await verifyAccount(db, account);
console.log(JSON.stringify({ ...proof, sealedEvents: sealedEvents.toString() }));
await pool.end();
