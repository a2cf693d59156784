import { execFileSync } from 'node:child_process';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openPool } from '../../src/database/pool.ts';

/**
 * `npm run tables`: writes src/database/tables.ts from a freshly migrated database;
 * `npm run tables -- --verify` only says whether it would change.
 */
const dataDir = '.data/tables';
const server = await startEmbeddedPostgres({ dataDir });
const admin = openPool({ url: server.url, max: 1, log: console.error });
try {
  await admin.query('drop database if exists tables with (force)');
  await admin.query('create database tables');
  const url = Object.assign(new URL(server.url), { pathname: '/tables' }).href;
  const pool = openPool({ url, max: 2, log: console.error });
  try {
    await migrate(pool);
  } finally {
    await pool.end();
  }
  const mapping = { int8: 'bigint', numeric: 'string', timestamptz: 'Date' };
  const options = [
    ['--url', url],
    ['--dialect', 'postgres'],
    ['--include-pattern', 'public.*'],
    ['--exclude-pattern', 'public.(kysely_*|event_of_*)'],
    ['--type-mapping', JSON.stringify(mapping)],
    ['--date-parser', 'string'],
    ['--out-file', 'src/database/tables.ts'],
  ];
  execFileSync('npx', ['kysely-codegen', ...options.flat(), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
} finally {
  await admin.end();
  await server.stop();
}
