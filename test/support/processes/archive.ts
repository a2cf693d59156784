/** Archives until the process is killed or done, and says each month that left. */
import { archiveMonths } from '../../../src/archive/archive-months.ts';
import { openDatabase, openPool } from '../../../src/database/pool.ts';

const [url = '', nowMs, before = '', directory = ''] = process.argv.slice(2);
const pool = openPool({ url, applicationName: 'archive', log: console.error });
await archiveMonths(openDatabase(pool), new Date(Number(nowMs)), {
  before,
  directory,
  onMonth: ({ month }) => console.log(JSON.stringify(month)),
});
await pool.end();
