import type { ClientBase } from 'pg';

/**
 * Sends a query that begins with `/* prepare some_name *\/`, on any line, as the named prepared statement
 * `some_name`: PostgreSQL parses and plans it once per connection. Kysely sends every statement
 * unnamed, and planning the big statement that records events costs more than running it.
 *
 * One name must always go with one text; pg refuses anything else.
 */
export function nameStatements(client: ClientBase): void {
  const query: (...args: readonly unknown[]) => unknown = client.query.bind(client);
  const named = (...args: readonly unknown[]): unknown => {
    const [text, values, ...rest] = args;
    const name = typeof text === 'string' ? marker.exec(text)?.[1] : undefined;
    return name ? query({ name, text, values }, ...rest) : query(...args);
  };
  Object.assign(client, { query: named });
}

const marker = /^\s*\/\* prepare (\w+) \*\//;
