import assert from 'node:assert/strict';
import { issueOperatorKey } from '../src/accounts/api-key-store.ts';
import type { Db } from '../src/database/pool.ts';
import { inParts } from './parts.ts';
import type { Report } from './reports.ts';

export type PostEvents = (reports: readonly Report[]) => Promise<void>;

/** Clients that send events over HTTP at once, so many at a time each; all of them must be recorded. */
export async function openClients(
  db: Db,
  url: string,
  { clients, batch }: { readonly clients: number; readonly batch: number },
): Promise<PostEvents> {
  const { secret } = await issueOperatorKey(db, new Date(), { scopes: ['ingest'], label: 'bench' });
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  return async (reports) => {
    const waiting = inParts(reports, batch);
    const client = async (): Promise<void> => {
      for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
        const body = JSON.stringify(part);
        const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
        assert.match(await response.text(), new RegExp(`"recorded":${part.length},`));
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  };
}
