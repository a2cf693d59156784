import { expect } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { balancesOf } from '../../src/ledger/store.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { bundleOf, provenByScript } from './bundles.ts';
import { freshDatabase } from './database.ts';
import { reporter } from './reports.ts';

/** When everything is heard of, long after it happened; periods are closed as if it were then. */
export const recordedAt = new Date('2028-01-01T00:00:00Z');

/** Tells facts about an account. */
export type Tell = (type: string, time: string, data?: Record<string, unknown>) => Promise<unknown>;

/** A database of accounts whose periods are closed, and what their invoices come to. */
export async function openLateFacts() {
  const database = await freshDatabase();
  const { db } = database;
  const record = eventRecorder({ db, parse: eventParser(1000) });
  let accounts = 0;
  const corrections = async (account: string) =>
    (await listInvoices(db, account)).map(({ lines }) =>
      lines.filter(({ kind }) => kind === 'adjustment').map((line) => line.amountCents),
    );
  return {
    db,
    record,
    corrections,
    drop: async () => await database.drop(),
    /** A STANDARD account since 1 January 2026 whose app runs 1 × 0.5: $25.00 a month of 31 days. */
    payer: async () => {
      const account = `payer-${++accounts}`;
      const say = reporter();
      const tell: Tell = async (type, time, data = {}) =>
        await record(recordedAt, [say(type, time, { account, ...data })]);
      await tell('account.created', '2026-01-01T00:00:00Z', { email: 'p@payer.example' });
      await tell('account.upgraded', '2026-01-01T00:00:00Z');
      await tell('app.deployed', '2026-01-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
      return { account, tell };
    },
    close: async (at: string) =>
      await closeDuePeriods(db, new Date(at), {
        graceSeconds: 0n,
        onFailure: (_account, error) => {
          throw error;
        },
      }),
    balances: async (account: string) => (await balancesOf(db, [account])).get(account)!,
    signals: async (account: string) =>
      await db
        .selectFrom('signal')
        .select(['kind', 'details'])
        .where('account_id', '=', account)
        .execute(),
    /** Proves all invoices of an account, by us and by whoever has nothing but Node. */
    prove: async (account: string) => {
      await sealEvents(db, account);
      expect(await verifyAccount(db, account)).toMatchObject({ breaks: [], discrepancies: [] });
      for (const { invoiceId } of await listInvoices(db, account)) {
        const { stdout } = provenByScript(await bundleOf(db, account, invoiceId));
        expect(stdout).toMatch(new RegExp(`^proven  ${invoiceId}`));
      }
    },
  };
}
