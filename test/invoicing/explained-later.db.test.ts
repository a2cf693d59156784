import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireAccount } from '../../src/accounts/require-account.ts';
import { explainLine } from '../../src/invoicing/explaining/explain-line.ts';
import { traceEvent } from '../../src/invoicing/explaining/trace-event.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { linesOf } from '../../src/invoicing/page-invoices.ts';
import { openLateFacts } from '../support/late-facts.ts';

let billing: Awaited<ReturnType<typeof openLateFacts>>;
beforeAll(async () => {
  billing = await openLateFacts();
});
afterAll(async () => await billing.drop());

/** Of each line: what its segments come to, and what of it they do not account for. */
async function explained(account: string, invoiceId: string) {
  const lines = await linesOf(billing.db, account, invoiceId);
  const holder = await requireAccount(billing.db, account);
  return await Promise.all(
    lines.map(async (line) => {
      const { segments, rest } = await explainLine(billing.db, holder, invoiceId, line);
      return [line.quantity, segments.reduce((sum, { units }) => sum + units, 0n), rest];
    }),
  );
}

test('an invoice stays explained as it was made when the account turns out to have ended before', async () => {
  const { account, tell } = await billing.payer();
  await tell('app.scaled', '2026-02-10T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await billing.close('2026-03-01T00:00:00Z');
  await tell('account.deleted', '2026-01-21T00:00:00Z');
  await billing.close('2026-04-01T00:00:00Z');

  const [january, february, correcting] = await listInvoices(billing.db, account);
  expect(await explained(account, january!.invoiceId)).toEqual([
    [13_392_000n, 13_392_000n, undefined],
  ]);
  expect(await explained(account, february!.invoiceId)).toEqual([
    [20_304_000n, 20_304_000n, undefined],
  ]);
  expect(await explained(account, correcting!.invoiceId)).toEqual([
    [-4_752_000n, -4_752_000n, undefined],
    [-20_304_000n, -20_304_000n, undefined],
    [0n, 0n, undefined],
  ]);
  const scaled = { account, source: 'controller', id: 'e-4' };
  expect(await traceEvent(billing.db, scaled)).toMatchObject({
    recorded: { billing: 'invoiced', invoiceId: february!.invoiceId },
  });
  // What is told of the time after that now counts nowhere.
  await tell('app.scaled', '2026-02-20T00:00:00Z', { app: 'web', replicas: 3, size: 0.5 });
  expect(await traceEvent(billing.db, { ...scaled, id: 'e-6' })).toMatchObject({
    recorded: { billing: 'not_charged', invoiceId: undefined },
  });
});

test('a late fact waits for the next invoice, which counts it or finds that nothing differs', async () => {
  const { account, tell } = await billing.payer();
  await billing.close('2026-02-01T00:00:00Z');
  await tell('app.scaled', '2026-01-10T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  const same = { account, source: 'controller', id: 'e-4' };
  expect(await traceEvent(billing.db, same)).toMatchObject({ recorded: { billing: 'late' } });
  await billing.close('2026-03-01T00:00:00Z');
  expect(await traceEvent(billing.db, same)).toMatchObject({
    recorded: { billing: 'not_charged', invoiceId: undefined },
  });

  await tell('app.scaled', '2026-01-11T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  const other = { ...same, id: 'e-5' };
  expect(await traceEvent(billing.db, other)).toMatchObject({ recorded: { billing: 'late' } });
  expect(await traceEvent(billing.db, same)).toMatchObject({
    recorded: { billing: 'not_charged' },
  });
  await billing.close('2026-04-01T00:00:00Z');
  const invoices = await listInvoices(billing.db, account);
  expect(await traceEvent(billing.db, other)).toMatchObject({
    recorded: { billing: 'corrected', invoiceId: invoices[2]!.invoiceId },
  });
});
