import { assert } from '../../values/fault.ts';
import { lineParams, sentLines, type SentLine } from './content.ts';
import type { Gateway } from '../gateway.ts';
import { findLines, nameOf, parkInvoice, updateInvoice, type InvoiceRow } from './invoice-store.ts';
import type { Lease } from '../lease.ts';
import { invoiceObject, lineObject, type StripeInvoice, type StripeLine } from '../objects.ts';
import type { Look, OperationStep, Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { readList } from '../read.ts';

/** One add_lines call takes so many. */
const LINES_PER_CALL = 100;

/** Adds the frozen lines to the draft: one call for an ordinary invoice, one per hundred lines. */
export async function addLines(
  context: StripeContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<Outcome<unknown>> {
  const lines = sentLines(await findLines(context.db, nameOf(invoice)));
  const chunks = Math.max(1, Math.ceil(lines.length / LINES_PER_CALL));
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const part = lines.slice(chunk * LINES_PER_CALL, (chunk + 1) * LINES_PER_CALL);
    const outcome = await addChunk(context, lease, invoice, {
      step: chunk === 0 ? 'lines' : `lines${chunk + 1}`,
      part,
      isLast: chunk === chunks - 1,
    });
    if (outcome.outcome !== 'done') return outcome;
  }
  return { outcome: 'done', result: null };
}

type Chunk = {
  readonly step: OperationStep;
  readonly part: readonly SentLine[];
  readonly isLast: boolean;
};

async function addChunk(
  context: StripeContext,
  lease: Lease,
  invoice: InvoiceRow,
  { step, part, isLast }: Chunk,
): Promise<Outcome<StripeInvoice>> {
  // What the look finds missing: Stripe does not promise that a cut-off call added all or nothing.
  let missing = part;
  return await runOperation<StripeInvoice>(context, lease, {
    accountId: invoice.account_id,
    subject: invoice.invoice_id,
    step,
    plan: async () => ({
      method: 'POST',
      path: `/v1/invoices/${stripeIdOf(invoice)}/add_lines`,
      params: { lines: lineParams(invoice, missing) },
    }),
    parse: (body) => invoiceObject.safeParse(body).data,
    look: async (): Promise<Look<StripeInvoice>> => {
      const there = new Set<string | undefined>();
      for (const line of await readLines(context.gateway, stripeIdOf(invoice))) {
        there.add(line.metadata['gm_line']);
      }
      missing = part.filter(({ gmLine }) => !there.has(gmLine));
      if (missing.length > 0) return 'absent';
      return { found: { ...EMPTY, id: stripeIdOf(invoice) } };
    },
    // "Not editable" may mean that an earlier life of this database went on from here already.
    isDoubtful: ({ status }) => status === 400,
    save: async (tx) => {
      if (!isLast) return;
      await updateInvoice(tx, nameOf(invoice))
        .set({ state: 'filled', next_attempt_at: null })
        .where('state', '=', 'drafted')
        .execute();
    },
    refuse: async (tx, refusal) =>
      await parkInvoice(tx, nameOf(invoice), `lines refused: ${refusal.message}`),
  });
}

/** All lines of a Stripe invoice, however many pages. */
export async function readLines(gateway: Gateway, stripeInvoiceId: string): Promise<StripeLine[]> {
  const lines: StripeLine[] = [];
  const path = `/v1/invoices/${stripeInvoiceId}/lines`;
  for await (const line of readList(gateway, lineObject, path)) lines.push(line);
  return lines;
}

export function stripeIdOf(invoice: InvoiceRow): string {
  assert(invoice.stripe_invoice_id !== null, `${invoice.invoice_id} is known at Stripe`);
  return invoice.stripe_invoice_id;
}

const EMPTY = {
  status: 'draft',
  customer: null,
  number: null,
  hosted_invoice_url: null,
  invoice_pdf: null,
  metadata: {},
};
