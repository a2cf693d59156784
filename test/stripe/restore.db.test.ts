import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Db } from '../../src/database/pool.ts';
import { balancesOf } from '../../src/ledger/store.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { findInvoice } from '../../src/stripe/issue/invoice-store.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { countedInvoices, expectPaidOnce } from './support/once.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

async function tablesOf(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables
    where schemaname = 'public' and tablename not like 'kysely%'`.execute(db);
  return rows.map(({ name }) => name);
}

/** Keeps a copy of every table as it is now. */
async function backUp(db: Db): Promise<void> {
  await sql`drop schema if exists backup cascade`.execute(db);
  await sql`create schema backup`.execute(db);
  for (const name of await tablesOf(db)) {
    await sql`create table ${sql.table(`backup.${name}`)} as table ${sql.table(name)}`.execute(db);
  }
}

/** Puts every table back to the copy, as restoring a backup does. */
async function restore(db: Db): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Neither triggers nor foreign keys: the copy was whole.
    await sql`set local session_replication_role = replica`.execute(tx);
    for (const name of await tablesOf(db)) {
      await sql`delete from ${sql.table(name)}`.execute(tx);
      await sql`insert into ${sql.table(name)} select * from ${sql.table(`backup.${name}`)}`.execute(
        tx,
      );
    }
  });
}

async function setCard(accountId: string): Promise<void> {
  await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
}

function noneOpen() {
  return { ...world.context, notYetInvoiced: async () => 0n };
}

for (const hours of [1, 30]) {
  test(`D09 restored to an hour before, and ${hours} hours later: nothing is made or charged twice`, async () => {
    const [old, fresh] = [`known ${hours}`, `new ${hours}`];
    await makeAccount(world.db, old);
    await setCard(old);
    const known = await freezeInvoice(world.db, old);
    await backUp(world.db);

    await makeAccount(world.db, fresh);
    await setCard(fresh);
    const lost = await freezeInvoice(world.db, fresh);
    await settle(world);
    const moneyBack = {
      accountId: old,
      moneyBackId: 'mb',
      amountCents: 700n,
      actor: 'me',
      reason: 'test',
    };
    await giveMoneyBack(noneOpen(), moneyBack);
    await world.pass({ hours });
    await restore(world.db);

    // The platform's events bring the account back, closing its period makes the same invoice again.
    await makeAccount(world.db, fresh);
    await setCard(fresh);
    expect(await freezeInvoice(world.db, fresh)).toEqual(lost);
    await settle(world);
    await expectPaidOnce(world, known);
    await expectPaidOnce(world, lost);
    const customers = world.stripe.state()['customer'] ?? [];
    expect(customers.filter(({ name }) => name === fresh).length).toBe(1);

    const report = await reconcile(world.context, { accountId: old });
    const refunds = report.accounts.flatMap(({ drift }) =>
      drift.filter(({ kind }) => kind === 'refund_by_hand'),
    );
    expect(refunds).toMatchObject([{ cents: -700n }]);

    // The operator, who does not find the money-back any more, repeats it.
    await giveMoneyBack(noneOpen(), moneyBack);
    expect(world.stripe.state()['credit_note']?.length).toBe(hours === 1 ? 1 : 2);
    const balances = await balancesOf(world.db, [old]);
    expect(balances.get(old)).toMatchObject({ cash: 1_800n });
  });

  test(`D09 restored, and the invoice came out otherwise ${hours} hours later: it waits for an operator`, async () => {
    const accountId = `otherwise ${hours}`;
    await makeAccount(world.db, accountId);
    await setCard(accountId);
    await backUp(world.db);
    const name = await freezeInvoice(world.db, accountId);
    await settle(world);
    await expectPaidOnce(world, name);
    await world.pass({ hours });
    await restore(world.db);
    await freezeInvoice(world.db, accountId, [{ description: 'App web', cents: 2_600n }]);
    await settle(world);
    expect(await findInvoice(world.db, name)).toMatchObject({
      state: 'needs_operator',
      state_reason: 'at Stripe: total is 2500, not 2600',
    });
    expect(countedInvoices(world, name)).toMatchObject([{ status: 'paid', total: 2_500 }]);
  });
}
