import { startLocalStripe } from '../../../src/stripe/local/local-stripe.ts';

/** A process that hosts a local Stripe with a journal, for tests that kill it. Arguments: journal file, webhook URL. */
const [journalFile = '', url = ''] = process.argv.slice(2);
const local = await startLocalStripe({
  clock: () => new Date('2026-11-23T12:00:00Z'),
  environment: 'test',
  journalFile,
  webhooks: { url, secret: 'whsec_x' },
});
process.stdout.write(`${JSON.stringify({ host: local.host, port: local.port })}\n`);
