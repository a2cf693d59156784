import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantCredit } from '../../src/ledger/grant-credit.ts';
import { balancesOf } from '../../src/ledger/store.ts';
import { makeAccount } from '../stripe/support/billing.ts';
import { START } from '../stripe/support/world.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => await database.drop());

test('R39 R40 credit is granted once per id and shows as available', async () => {
  await makeAccount(database.db, 'credit');
  const grant = {
    accountId: 'credit',
    creditId: 'promo',
    amountCents: 1_000n,
    actor: 'me',
    reason: 'promo',
  };
  expect(await grantCredit(database.db, START, grant)).toBe(true);
  expect(await grantCredit(database.db, START, grant)).toBe(false);
  expect((await balancesOf(database.db, ['credit'])).get('credit')).toMatchObject({
    credit: 1_000n,
  });
  const other = { ...grant, amountCents: 2_000n };
  await expect(grantCredit(database.db, START, other)).rejects.toMatchObject({
    code: 'id_reused',
  });
  const nothing = { ...grant, creditId: 'zero', amountCents: 0n };
  await expect(grantCredit(database.db, START, nothing)).rejects.toMatchObject({
    kind: 'invalid',
  });
});

test('I10 entries of the ledger can be neither changed nor removed', async () => {
  const entries = database.db.updateTable('ledger_entry').set({ amount_cents: 1n });
  await expect(entries.execute()).rejects.toThrow(/not allowed/);
  await expect(database.db.deleteFrom('ledger_entry').execute()).rejects.toThrow(/not allowed/);
});
