import { createServer } from 'node:http';
import Stripe from 'stripe';
import { afterEach } from 'vitest';
import {
  startLocalStripe,
  type LocalStripe,
  type LocalStripeOptions,
} from '../../../src/stripe/local/local-stripe.ts';

export const API_VERSION = '2026-10-28.endive';
/** The clock given to every local Stripe here stands still: only advance() moves its time. */
export const STARTED_AT = new Date('2026-11-23T12:00:00Z');

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** A local Stripe that ends with the test. */
export async function start(options: Partial<LocalStripeOptions> = {}): Promise<LocalStripe> {
  const local = await startLocalStripe({
    clock: () => STARTED_AT,
    environment: 'test',
    ...options,
  });
  open.push(local.close);
  return local;
}

/** Stripe's own SDK, pointed at it, without retries unless asked for. */
export function sdk(
  local: { readonly host: string; readonly port: number },
  config: Partial<Stripe.StripeConfig> = {},
): Stripe {
  return new Stripe('sk_test_local', {
    host: local.host,
    port: local.port,
    protocol: 'http',
    apiVersion: API_VERSION,
    maxNetworkRetries: 0,
    telemetry: false,
    ...config,
  });
}

export type Wire = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Shown;
};

/** The fields of an answer that tests without the SDK look at. */
export type Shown = {
  readonly id: string;
  readonly url: string;
  readonly status: string;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly address: { readonly city: string };
  readonly customer: { readonly id: string };
  readonly total: number;
  readonly lines: { readonly data: readonly { readonly period: unknown }[] };
  readonly data: readonly Shown[];
  readonly has_more: boolean;
  readonly nowMs: number;
  readonly error: {
    readonly type: string;
    readonly code?: string;
    readonly message: string;
    readonly param?: string;
  };
};

/** One request without the SDK. */
export async function wire(
  local: LocalStripe,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Wire> {
  const answer = await fetch(local.url + path, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: {
      authorization: 'Bearer sk_test_local',
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) };
}

/** What the SDK throws, as a value; fails when nothing is thrown. */
export async function refusalOf(work: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

export async function customerWithCard(
  stripe: Stripe,
  token = 'tok_visa',
): Promise<{ readonly customer: string; readonly card: string }> {
  const customer = await stripe.customers.create({
    name: 'Acme',
    email: 'billing@acme.example',
    metadata: { gm_account: 'acme' },
  });
  const method = await stripe.paymentMethods.create({ type: 'card', card: { token } });
  await stripe.paymentMethods.attach(method.id, { customer: customer.id });
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: method.id },
  });
  return { customer: customer.id, card: method.id };
}

/** A draft as our service makes it, with one line per amount. */
export async function draft(
  stripe: Stripe,
  customer: string,
  amounts: readonly number[],
  more: Stripe.InvoiceCreateParams = {},
): Promise<Stripe.Invoice> {
  const invoice = await stripe.invoices.create({
    customer,
    currency: 'usd',
    collection_method: 'charge_automatically',
    auto_advance: false,
    pending_invoice_items_behavior: 'exclude',
    ...more,
  });
  if (amounts.length === 0) return invoice;
  const lines = amounts.map((amount, index) => ({
    amount,
    description: `line ${index + 1}`,
    metadata: { gm_line: String(index + 1) },
  }));
  return stripe.invoices.addLines(invoice.id, { lines });
}

export async function finalized(
  stripe: Stripe,
  customer: string,
  amounts: readonly number[],
  more: Stripe.InvoiceCreateParams = {},
): Promise<Stripe.Invoice> {
  const invoice = await draft(stripe, customer, amounts, more);
  return stripe.invoices.finalizeInvoice(invoice.id, { auto_advance: false });
}

export async function eventTypes(stripe: Stripe): Promise<readonly string[]> {
  const events = await stripe.events.list({ limit: 100 });
  return events.data.map(({ type }) => type).toReversed();
}

/** The id of something that may or may not have been expanded. */
export function idOf(found: string | { readonly id: string } | null | undefined): string {
  return typeof found === 'string' ? found : (found?.id ?? '');
}

export type Received = {
  readonly body: string;
  readonly signature: string;
  readonly type: string;
  readonly id: string;
};
export type Receiver = {
  readonly url: string;
  readonly received: readonly Received[];
  answerWith: (status: number) => void;
};

/** A webhook endpoint of ours that keeps what it gets. */
export async function receiver(): Promise<Receiver> {
  const received: Received[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const { type, id } = JSON.parse(body);
      received.push({ body, signature: String(request.headers['stripe-signature']), type, id });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/webhooks/stripe`,
    received,
    answerWith: (next) => {
      status = next;
    },
  };
}

/** Polls until it holds; fails after a minute. */
export async function eventually(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
