import { openDatabase, openPool } from '../../../src/database/pool.ts';
import { retrySchedule } from '../../../src/dunning/retry-schedule.ts';
import { startCheckout } from '../../../src/stripe/cards/checkout.ts';
import { setPaymentMethod } from '../../../src/stripe/cards/set-payment-method.ts';
import { openGateway } from '../../../src/stripe/gateway.ts';
import { issueInvoice } from '../../../src/stripe/issue/issue-invoice.ts';
import type { PayContext } from '../../../src/stripe/issue/pay-invoice.ts';
import { giveMoneyBack } from '../../../src/stripe/refunds/give-money-back.ts';
import { work } from './drive.ts';

export type Task = {
  readonly kind: 'issue' | 'money_back' | 'set_card' | 'checkout' | 'work';
  readonly accountId: string;
  readonly invoiceId: string;
  /** Where it stops and waits for the process to be killed; null to run to its end. */
  readonly killAt: string | null;
};

/** What a worker process is to do. */
export type Job = {
  readonly databaseUrl: string;
  readonly stripeUrl: string;
  readonly apiKey: string;
  readonly nowMs: number;
  readonly tasks: readonly Task[];
};

const URLS = { successUrl: 'https://example.com/ok', cancelUrl: 'https://example.com/no' };
const job: Job = JSON.parse(process.argv[2] ?? '{}');
const pool = openPool({ url: job.databaseUrl, log: console.error });
const context: PayContext = {
  db: openDatabase(pool),
  gateway: openGateway({ apiKey: job.apiKey, apiBase: job.stripeUrl, maxNetworkRetries: 0 }),
  clock: () => new Date(job.nowMs),
  retryAt: retrySchedule(),
};

// All tasks run at once. When each has come to its point or its end, nothing moves any more, and one
// SIGKILL leaves every one of them exactly where it stands.
const ends = await Promise.all(job.tasks.map(runUntilPoint));
if (ends.includes('stopped')) process.kill(process.pid, 'SIGKILL');
await pool.end();

async function runUntilPoint(task: Task): Promise<'stopped' | 'done'> {
  return await new Promise((resolve, reject) => {
    const atPoint = async (label: string): Promise<void> => {
      if (label !== task.killAt) return;
      resolve('stopped');
      await new Promise(() => {});
    };
    run({ ...context, atPoint }, task).then(() => {
      if (task.killAt === null) resolve('done');
      else reject(new Error(`${task.kind} never came to ${task.killAt}`));
    }, reject);
  });
}

async function run(own: PayContext, { kind, accountId, invoiceId }: Task): Promise<void> {
  switch (kind) {
    case 'issue':
      await issueInvoice(own, { accountId, invoiceId });
      return;
    case 'set_card':
      await setPaymentMethod(own, { accountId, source: { token: 'tok_mastercard' } });
      return;
    case 'checkout':
      await startCheckout(own, { accountId, urls: URLS });
      return;
    case 'money_back':
      await giveMoneyBack(
        { ...own, notYetInvoiced: async () => 0n },
        {
          accountId,
          moneyBackId: 'mb-1',
          amountCents: 1_000n,
          actor: 'operator',
          reason: 'unhappy',
        },
      );
      return;
    case 'work':
      await work(own);
  }
}
