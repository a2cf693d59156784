// Runs the embedded database in the folder given, says where, and stops it on SIGINT or SIGTERM,
// after it used the database once more.
import { startEmbeddedPostgres } from '../../../src/database/embedded.ts';
import { openPool } from '../../../src/database/pool.ts';

const dataDir = process.argv[2];
if (!dataDir) throw new Error('usage: use-embedded.ts DATA_DIR');

let finish = (): void => {};
const asked = new Promise<void>((resolve) => (finish = resolve));
process.once('SIGINT', finish);
process.once('SIGTERM', finish);

const { url, adopted, stop } = await startEmbeddedPostgres({ dataDir });
console.log(JSON.stringify({ url, adopted }));
await asked;
const pool = openPool({ url, log: console.error });
const { rows } = await pool.query<{ answer: number }>('select 42 as answer');
await pool.end();
await stop();
console.log(JSON.stringify(rows[0]));
