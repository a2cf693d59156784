import { collectDue } from '../../../src/dunning/collect-due.ts';
import { issueDue } from '../../../src/stripe/issue/issue-due.ts';
import { UNFINISHED } from '../../../src/stripe/issue/invoice-store.ts';
import type { PayContext } from '../../../src/stripe/issue/pay-invoice.ts';
import { refundDue } from '../../../src/stripe/refunds/run-refund.ts';
import type { World } from './world.ts';

/** What the queue's wake-up jobs do, once each. */
export async function work(context: PayContext): Promise<void> {
  await issueDue(context, { limit: 1_000 });
  await collectDue(context, { limit: 1_000 });
  await refundDue(context, { limit: 1_000 });
}

/** Works and lets time pass until nothing is left to do. */
export async function settle(world: World, context: PayContext = world.context): Promise<void> {
  for (let round = 0; round < 40; round += 1) {
    await work(context);
    await world.hear();
    if (await isQuiet(world)) return;
    await world.pass({ seconds: 200 });
  }
  throw new Error('there is still something to do after 40 rounds');
}

async function isQuiet({ db }: World): Promise<boolean> {
  const unfinished = await db
    .selectFrom('invoice')
    .select('invoice_id')
    .where((where) =>
      where.or([
        where('state', 'in', UNFINISHED),
        where.and([where('state', '=', 'open'), where('next_attempt_at', 'is not', null)]),
      ]),
    )
    .limit(1)
    .execute();
  const planned = await db
    .selectFrom('refund')
    .select('refund_id')
    .where('state', '=', 'planned')
    .limit(1)
    .execute();
  return unfinished.length + planned.length === 0;
}
