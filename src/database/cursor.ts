import { sql, type RawBuilder } from 'kysely';
import type { Db } from './pool.ts';

const ROWS_AT_ONCE = 2000;

/**
 * The rows of a query, some at a time and in its order: memory does not grow with their number. Within a
 * transaction, in which `name` is taken until the end; the query takes no parameters, only literals.
 */
export async function* batchesOf<Row>(
  tx: Db,
  name: string,
  query: RawBuilder<Row>,
): AsyncGenerator<readonly Row[], undefined> {
  const cursor = sql.raw(name);
  await sql`declare ${cursor} no scroll cursor for ${query}`.execute(tx);
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(ROWS_AT_ONCE)} from ${cursor}`.execute(tx);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  await sql`close ${cursor}`.execute(tx);
  return undefined;
}

/** The same, one by one. */
export async function* rowsOf<Row>(
  tx: Db,
  name: string,
  query: RawBuilder<Row>,
): AsyncGenerator<Row, undefined> {
  for await (const rows of batchesOf(tx, name, query)) yield* rows;
  return undefined;
}
