import type { Logger } from 'pino';
import type { Db } from '../database/pool.ts';
import { checkSample } from '../proof/check-sample.ts';
import { findUnsealed, sealEvents } from '../proof/seal-events.ts';
import { recordDrift } from '../stripe/drift.ts';

const ACCOUNTS_A_NIGHT = 100;

/** Gives every invoice the head of the chain it was computed from. */
export async function sealInvoiced(db: Db): Promise<void> {
  for (;;) {
    const accounts = await findUnsealed(db);
    if (accounts.length === 0) return;
    for (const account of accounts) await sealEvents(db, account);
  }
}

/** Proves a sample of the accounts; what is not proven is an open drift until somebody resolves it. */
export async function proveSample(db: Db, now: Date, log: Logger): Promise<void> {
  const wrong = await checkSample(db, now.toISOString().slice(0, 10), ACCOUNTS_A_NIGHT);
  for (const { account, verification, drifts } of wrong) {
    log.error({ account }, 'an account is not what its facts say: run `gigameter verify` on it');
    await recordDrift(db, now, [
      {
        accountId: account,
        driftId: 'not_proven',
        kind: 'not_proven',
        cents: 0n,
        details: {
          chain_breaks: verification.breaks.length,
          invoice_differences: verification.discrepancies.length,
          derived_differences: drifts.length,
        },
      },
    ]);
  }
}
