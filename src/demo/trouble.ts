import { beginAction, endAction } from '../pages/operator/actions/audit-store.ts';
import { readDay } from '../pages/operator/day/day-store.ts';
import type { Db } from '../database/pool.ts';
import type { Service } from '../service/start-service.ts';
import { grantCredit } from '../ledger/grant-credit.ts';
import { noteHeard } from '../sources/heard.ts';
import { beginSilences } from '../sources/silence/silence-store.ts';
import { expectSource, listSources } from '../sources/source-store.ts';
import { reconcile } from '../stripe/checks/reconcile.ts';
import { findUnresolvedDrift } from '../stripe/drift.ts';
import { assert } from '../values/fault.ts';
import { formatCents } from '../values/money.ts';

const HOUR_MS = 3_600_000;

/** The account whose balance somebody changed at Stripe by hand. */
const CHANGED_AT_STRIPE = 'busy-shop';

/** Who was given something for it. */
const CREDITED = 'startup';

/**
 * What an operator has to look at beside declined cards and bad events: a source that reports no more, and a
 * difference from Stripe, both found as the schedules would find them.
 */
export async function causeTrouble(service: Service, now: Date): Promise<void> {
  const { db } = service.database;
  const before = new Date(now.getTime() - 9 * HOUR_MS);
  await noteHeard(db, before, ['build-cluster']);
  await expectSource(db, before, {
    source: 'build-cluster',
    expectedEverySeconds: 900,
    policy: 'hold',
  });
  await beginSilences(db, now);

  const { stripe_customer_id: customer } = await db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', CHANGED_AT_STRIPE)
    .executeTakeFirstOrThrow();
  assert(customer !== null, 'the account has paid at Stripe');
  service.stripe.local?.edit(customer, { balance: -1500 });
  // Without the log of the service: here the difference is no surprise.
  const { gateway } = service.stripe;
  await reconcile({ db, gateway, clock: () => now }, { accountId: CHANGED_AT_STRIPE });
}

/** What an operator gave for an outage, written down as on the page: there is credit and an action to look at. */
export async function giveCredit(service: Service, now: Date): Promise<void> {
  const { db } = service.database;
  const entry = { accountId: CREDITED, actionId: 'demo-outage', actor: 'demo' };
  const amountCents = 1500n;
  const reason = 'two hours of outage';
  const details = { amount: `${amountCents}`, reason };
  await beginAction(db, now, { ...entry, kind: 'credit', details });
  await grantCredit(db, now, {
    accountId: CREDITED,
    creditId: entry.actionId,
    amountCents,
    actor: entry.actor,
    reason,
  });
  const message = `${formatCents(amountCents)} of credit is given.`;
  await endAction(db, now, entry, { state: 'done', message });
}

export async function troubleToJson(db: Db, now: Date) {
  const { parked, quarantined } = await readDay(db, now, now);
  const sources = await listSources(db);
  const drift = await findUnresolvedDrift(db);
  return {
    parked: Number(parked),
    quarantined: Number(quarantined),
    silent_sources: sources
      .filter(({ silentSince }) => silentSince !== undefined)
      .map(({ source }) => source),
    drift: drift.map(({ accountId, kind, cents }) => ({
      account: accountId,
      kind,
      cents: Number(cents),
    })),
  };
}
