import pg from 'pg';
import { senderOf } from '../sender.ts';

/** A statement, by the function of src/ that sent it. */
export type SentStatement = { readonly sender: string; readonly text: string };

/**
 * From now on keeps every distinct statement that code in src/ sends to PostgreSQL, whichever pool of this process it
 * comes from; what tests ask by themselves is left out.
 */
export function keepSentStatements(): ReadonlyMap<string, SentStatement> {
  const sent = new Map<string, SentStatement>();
  const query = pg.Client.prototype.query;
  Object.assign(pg.Client.prototype, {
    query(this: pg.Client, ...args: readonly unknown[]) {
      const text = textOf(args[0]);
      if (text !== undefined && !sent.has(text)) {
        const sender = senderOf();
        if (sender !== undefined) sent.set(text, { sender, text });
      }
      return Reflect.apply(query, this, args) as unknown;
    },
  });
  return sent;
}

function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') return query;
  return typeof query === 'object' && query !== null && 'text' in query
    ? String(query.text)
    : undefined;
}
