import { sql } from 'kysely';
import type { Db } from '../../../src/database/pool.ts';

/** A fingerprint of every table's rows; only when keys were last used may differ. */
export async function dumpTables(db: Db): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public' order by 1`.execute(db);
  const prints: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await sql<{ print: string }>`
      select count(*) || ' rows ' || coalesce(md5(string_agg(row::text, chr(10) order by row::text)), '')
        as print
      from (select to_jsonb(t) - 'last_used_at' as row from ${sql.table(name)} t) rows`.execute(db);
    prints[name] = rows[0]!.print;
  }
  return prints;
}
