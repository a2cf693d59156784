import type { FastifyInstance, FastifyReply } from 'fastify';
import { formatCents } from '../../../values/money.ts';
import { TEST_CARDS } from '../cards/test-cards.ts';
import type { Controls } from '../controls.ts';
import { linesOf } from '../invoices/invoice-totals.ts';
import { Refusal } from '../refusal.ts';
import type { Invoice } from '../state/objects.ts';
import type { World } from '../state/world.ts';
import { pdfOf } from './pdf.ts';

type Parts = { readonly world: World; readonly controls: Controls };
type OfId = { Params: { id: string } };

/** What people open in a browser: the card form of Checkout, an invoice where it can be paid, and its PDF. */
export function addPagesForPeople(server: FastifyInstance, { world, controls }: Parts): void {
  server.get<OfId>('/local/checkout/:id', async ({ params: { id } }, reply) => {
    const action = `/local/checkout/${encodeURIComponent(id)}/complete`;
    await sendPage(
      reply,
      200,
      `<p>A stand-in for Stripe's page: choose a test card.</p>${cardForm(action, 'Use this card')}`,
    );
  });
  server.get<OfId>('/local/invoices/:id', async ({ params: { id } }, reply) => {
    const invoice = world.get('invoice', id);
    if (invoice === undefined)
      return await sendPage(reply, 404, '<p>There is no such invoice.</p>');
    await sendPage(reply, 200, invoicePage(world, invoice));
  });
  server.get<OfId>('/local/invoices/:id/pdf', async ({ params: { id } }, reply) => {
    const invoice = world.get('invoice', id);
    if (invoice === undefined)
      return await sendPage(reply, 404, '<p>There is no such invoice.</p>');
    const texts = rowsOf(world, invoice).map(([what, amount]) => `${amount}   ${what}`);
    await reply.type('application/pdf').send(pdfOf([headOf(invoice), '', ...texts]));
  });
  server.post<OfId & { Body: string }>('/local/invoices/:id/paid', async (request, reply) => {
    const { id } = request.params;
    try {
      controls.payOnPage(id, new URLSearchParams(request.body).get('token') ?? '');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return await sendPage(reply, error.status, `<p>${escaped(error.message)}</p>`);
    }
    await reply.redirect(`/local/invoices/${encodeURIComponent(id)}`, 303);
  });
}

function invoicePage(world: World, invoice: Invoice): string {
  const rows = rowsOf(world, invoice).map((row) => `<tr>${row.map(cell).join('')}</tr>`);
  const action = `/local/invoices/${encodeURIComponent(invoice.id)}/paid`;
  const form = invoice.status === 'open' ? cardForm(action, 'Pay by this card') : '';
  return `<h2>${escaped(headOf(invoice))}</h2><table>${rows.join('')}</table>${form}`;
}

function headOf({ number, id, status }: Invoice): string {
  return `Invoice ${number ?? id}, ${status}`;
}

function rowsOf(world: World, invoice: Invoice): (readonly [string, string])[] {
  return [
    ...linesOf(world, invoice).map(
      ({ description, amount }) => [description ?? '', dollars(amount)] as const,
    ),
    ['Total', dollars(invoice.total)],
  ];
}

function dollars(cents: number): string {
  return formatCents(BigInt(cents));
}

/** It offers the test tokens, since no card number may be typed anywhere. */
function cardForm(action: string, button: string): string {
  const options = Object.entries(TEST_CARDS).map(
    ([name, card]) => `<option value="tok_${name}">${name} (${card.brand}, ${card.last4})</option>`,
  );
  return `<form method="post" action="${action}">
<select name="token" aria-label="Test card">${options.join('')}</select> <button>${button}</button></form>`;
}

const STYLE = `body { font: 1rem/1.7 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
select, button { font: inherit; max-width: 100%; padding: 0.3rem }
table { width: 100%; margin-bottom: 1rem; overflow-wrap: anywhere } td + td { text-align: right }`;

async function sendPage(reply: FastifyReply, status: number, body: string): Promise<void> {
  await reply.status(status).type('text/html; charset=utf-8')
    .send(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Local Stripe</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style><h1>Local Stripe</h1>${body}</html>`);
}

function cell(text: string): string {
  return `<td>${escaped(text)}</td>`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
