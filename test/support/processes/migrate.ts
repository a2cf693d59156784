// Migrates the database given with the migrations in the folder given and says what it applied.
import { migrate } from '../../../src/database/migrate.ts';
import { openPool } from '../../../src/database/pool.ts';

const [url, folder] = process.argv.slice(2);
if (!url || !folder) throw new Error('usage: migrate.ts DATABASE_URL FOLDER');

const pool = openPool({ url, log: console.error });
const { applied } = await migrate(pool, { folder });
await pool.end();
console.log(JSON.stringify(applied));
