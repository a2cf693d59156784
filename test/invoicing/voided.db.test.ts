import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkBilled } from '../../src/invoicing/check-billed.ts';
import { traceEvent } from '../../src/invoicing/explaining/trace-event.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { reissueInvoice } from '../../src/stripe/issue/reissue-invoice.ts';
import { openLateFacts, recordedAt } from '../support/late-facts.ts';

let billing: Awaited<ReturnType<typeof openLateFacts>>;
beforeAll(async () => {
  billing = await openLateFacts();
});
afterAll(async () => await billing.drop());

describe('an invoice that was voided by hand', () => {
  async function voidLast(account: string): Promise<string> {
    const { db } = billing;
    const { invoiceId } = (await listInvoices(db, account)).at(-1)!;
    await db
      .updateTable('invoice')
      .set({ state: 'void' })
      .where('invoice_id', '=', invoiceId)
      .execute();
    return invoiceId;
  }

  test('stays forgiven: late facts of its period bill the difference only, up and down', async () => {
    const { account, tell } = await billing.payer();
    await billing.close('2026-02-01T00:00:00Z');
    await voidLast(account);
    await tell('app.scaled', '2026-01-31T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await tell('app.scaled', '2026-02-01T00:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await billing.close('2026-03-01T00:00:00Z');
    expect(await billing.corrections(account)).toEqual([[81n]]);
    await tell('app.scaled', '2026-01-30T00:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await billing.close('2026-04-01T00:00:00Z');
    expect(await billing.corrections(account)).toEqual([[81n], [-81n]]);
    await billing.prove(account);
  });

  test('is not found to be billed otherwise, and says which facts it counted', async () => {
    const { account } = await billing.payer();
    await billing.close('2026-02-01T00:00:00Z');
    const invoiceId = await voidLast(account);
    const { db } = billing;
    expect(await checkBilled(db, { accountId: account, since: 0n })).toEqual([]);
    const traced = await traceEvent(db, { account, source: 'controller', id: 'e-3' });
    expect(traced?.recorded).toMatchObject({ billing: 'invoiced', invoiceId });
  });

  test('counts once when it is asked for again, whatever was corrected in between', async () => {
    const { account, tell } = await billing.payer();
    const { db } = billing;
    await billing.close('2026-02-01T00:00:00Z');
    const invoiceId = await voidLast(account);
    await tell('app.scaled', '2026-01-31T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await tell('app.scaled', '2026-02-01T00:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await billing.close('2026-03-01T00:00:00Z');
    const clock = () => recordedAt;
    await reissueInvoice({ db, clock }, { accountId: account, invoiceId });
    await tell('app.scaled', '2026-01-30T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await billing.close('2026-04-01T00:00:00Z');
    expect((await listInvoices(db, account)).map(({ totalCents }) => totalCents)).toEqual([
      2500n,
      81n,
      80n,
    ]);
    await billing.prove(account);
  });
});
