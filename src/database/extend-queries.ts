import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/**
 * Sends a query that begins with `/* prepare some_name *\/`, on any line, as the named prepared statement
 * `some_name`: PostgreSQL parses and plans it once per connection. Kysely sends every statement
 * unnamed, and planning the big statement that records events costs more than running it. And runs
 * `copy … from stdin` with its rows, for which Kysely has no words.
 *
 * One name must always go with one text; pg refuses anything else.
 */
export function extendQueries(client: ClientBase): void {
  const query: Query = client.query.bind(client);
  const extended: Query = (...args) => {
    const [text, values, ...rest] = args;
    if (typeof text !== 'string') return query(...args);
    if (text.startsWith('copy ') && Array.isArray(values)) {
      return runCopy(query, text, String(values[0]));
    }
    const name = marker.exec(text)?.[1];
    return name ? query({ name, text, values }, ...rest) : query(...args);
  };
  Object.assign(client, { query: extended });
}

type Query = (...args: readonly unknown[]) => unknown;

const marker = /^\s*\/\* prepare (\w+) \*\//;

/** Runs `copy … from stdin` with lines in COPY's text format; answers as Kysely expects of a query. */
async function runCopy(query: Query, statement: string, lines: string) {
  const stream = copyFrom(statement);
  query(stream);
  await new Promise<void>((resolve, reject) => {
    stream.on('finish', resolve).on('error', reject);
    stream.end(lines);
  });
  return { command: 'COPY', rowCount: stream.rowCount, rows: [] };
}
