import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { parse } from 'qs';

type Invoice = { id: string; status: string; metadata: unknown; lines: Line[] };
type Line = { id: string; amount: number; metadata: unknown };

/**
 * Another server that speaks some of Stripe's API: it leaves out every field it can, or says null instead,
 * adds fields nobody knows, ignores idempotency keys, and answers some errors with bodies that are not
 * Stripe's.
 */
export async function openBareStripe({ saysNull = false } = {}): Promise<{
  url: string;
  close: () => Promise<void>;
}> {
  const nothing = (...names: readonly string[]) =>
    saysNull ? Object.fromEntries(names.map((name) => [name, null])) : {};
  const invoices = new Map<string, Invoice>();
  let lastId = 0;
  const newId = (prefix: string): string => `${prefix}_x${(lastId += 1)}`;
  const show = ({ id, status, metadata, lines }: Invoice) => ({
    ...nothing(
      'customer',
      'currency',
      'created',
      'amount_due',
      'amount_paid',
      'amount_remaining',
      'starting_balance',
      'number',
      'hosted_invoice_url',
      'invoice_pdf',
      'deleted',
      'payments',
    ),
    id,
    status,
    metadata,
    total: lines.reduce((sum, line) => sum + line.amount, 0),
    lines: { ...nothing('has_more'), data: lines },
    surprise: { deep: [1] },
  });
  const answer = (method: string, path: string, body: Record<string, unknown>): object | null => {
    const [, , kind = '', id = '', verb = ''] = path.split('/');
    const invoice = invoices.get(id);
    if (kind === 'customers')
      return {
        ...nothing('deleted', 'balance', 'email'),
        id: id === '' ? newId('cus') : id,
        metadata: body['metadata'] ?? null,
      };
    if (kind === 'payment_methods')
      return {
        ...nothing('type', 'customer'),
        id: id === '' ? newId('pm') : id,
        card: { ...nothing('brand', 'exp_month', 'fingerprint'), last4: '1111' },
      };
    if (kind === 'setup_intents')
      return {
        ...nothing('customer', 'payment_method', 'last_setup_error', 'metadata'),
        id: newId('seti'),
        status: 'succeeded',
      };
    if (kind !== 'invoices') return null;
    if (invoice === undefined) {
      if (method !== 'POST' || id !== '') return null;
      const made = { id: newId('in'), status: 'draft', metadata: body['metadata'], lines: [] };
      invoices.set(made.id, made);
      return show(made);
    }
    if (verb === 'add_lines') {
      for (const line of body['lines'] as { amount: string; metadata: unknown }[]) {
        invoice.lines.push({
          id: newId('il'),
          amount: Number(line.amount),
          metadata: line.metadata,
        });
      }
    }
    if (verb === 'finalize') invoice.status = 'open';
    if (verb === 'pay') invoice.status = 'paid';
    return show(invoice);
  };
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const { pathname } = new URL(request.url ?? '/', 'http://x');
      const isList = request.method === 'GET' && pathname.split('/').length === 3;
      const found = isList
        ? { ...nothing('has_more'), data: [] }
        : answer(request.method ?? '', pathname, parse(text));
      response.writeHead(found === null ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(found ?? { message: 'no such thing' }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
