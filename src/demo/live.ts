import type { Service } from '../service/start-service.ts';
import { setPaymentMethod } from '../stripe/cards/set-payment-method.ts';
import type { Clock } from '../values/clock.ts';
import { counted } from '../values/text.ts';
import type { SampleAccount, SampleEvent } from './sample-platform.ts';
import { firstInstant } from './sample-platform.ts';

const DAY_MS = 86_400_000;
const EVENTS_PER_JOB = 100;

/**
 * Lives the accounts' lives day by day up to `until`: what the platform reports goes on the queue, then the
 * day's closing, issuing and collecting run as the schedules would run them.
 */
export async function live(
  service: Service,
  accounts: readonly SampleAccount[],
  until: Date,
  setClock: (at: Date) => void,
  onProgress: (line: string) => void,
): Promise<void> {
  const events = accounts
    .flatMap((account) => account.events)
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  let sent = 0;
  let invoices = 0;
  for (const at of days(firstInstant(accounts), until)) {
    setClock(at);
    const count = events.slice(sent).findIndex(({ time }) => Date.parse(time) > at.getTime());
    const news = count === -1 ? events.slice(sent) : events.slice(sent, sent + count);
    await report(service, news);
    sent += news.length;
    const closed = await service.billing.close(at);
    invoices += closed.invoices;
    await setCards(service, accounts, news, () => at);
    await collect(service);
    if (at.getUTCDate() === 1 || at.getTime() === until.getTime()) {
      onProgress(
        `${at.toISOString().slice(0, 10)}  ${counted(sent, 'event')} reported, ${counted(invoices, 'invoice')} made`,
      );
    }
  }
}

function* days(from: Date, until: Date): Generator<Date> {
  // Two hours after midnight: the grace of what ended with the day is over.
  const first = Math.floor(from.getTime() / DAY_MS) * DAY_MS + 2 * 3_600_000;
  for (let at = first; at < until.getTime(); at += DAY_MS) yield new Date(at);
  yield until;
}

/** Puts events on the queue and waits until the workers have recorded them. */
async function report({ eventsQueue }: Service, events: readonly SampleEvent[]): Promise<void> {
  if (events.length === 0) return;
  const jobs = [];
  for (let from = 0; from < events.length; from += EVENTS_PER_JOB) {
    jobs.push({ name: 'reported', data: events.slice(from, from + EVENTS_PER_JOB) });
  }
  await eventsQueue.addBulk(jobs);
  for (;;) {
    const counts = await eventsQueue.getJobCounts('waiting', 'active', 'delayed', 'failed');
    if ((counts.failed ?? 0) > 0) throw new Error('the sample events could not be recorded');
    if (Object.values(counts).every((count) => count === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** New accounts with a card set it, as their owners would with a token from Stripe's form. */
async function setCards(
  service: Service,
  accounts: readonly SampleAccount[],
  news: readonly SampleEvent[],
  clock: Clock,
): Promise<void> {
  const signedUp = new Set(
    news.filter(({ type }) => type === 'account.created').map(({ data }) => data.account),
  );
  const { stripe, database } = service;
  for (const { id, card: token } of accounts) {
    if (token === undefined || !signedUp.has(id)) continue;
    const context = { db: database.db, gateway: stripe.gateway, clock };
    await setPaymentMethod(context, { accountId: id, source: { token } });
  }
}

async function collect({ billing, stripe }: Service): Promise<void> {
  await billing.issue();
  await billing.collect();
  stripe.local?.tick();
  await stripe.local?.drainWebhooks();
  await billing.readNews();
}
