import assert from 'node:assert/strict';
import { issueOperatorKey } from '../src/accounts/api-key-store.ts';
import type { Db } from '../src/database/pool.ts';
import { inParts } from './parts.ts';
import type { Report } from './reports.ts';

/** Writes the bodies of the requests; sending them is what is measured. */
export type PrepareEvents = (reports: readonly Report[]) => () => Promise<void>;

/** Clients that send events over HTTP at once, so many at a time each; all of them must be recorded. */
export async function openClients(
  db: Db,
  url: string,
  { clients, batch }: { readonly clients: number; readonly batch: number },
): Promise<PrepareEvents> {
  const { secret } = await issueOperatorKey(db, new Date(), { scopes: ['ingest'], label: 'bench' });
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  return (reports) => {
    const waiting = inParts(reports, batch).map((part) => ({
      body: JSON.stringify(part),
      answer: `"recorded":${part.length},`,
    }));
    const client = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const { body } = next;
        const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
        assert.ok((await response.text()).includes(next.answer));
      }
    };
    return async () => void (await Promise.all(Array.from({ length: clients }, client)));
  };
}
