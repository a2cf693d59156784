import type { Call } from '../call.ts';
import { emit } from '../events/emit.ts';
import type { Invoice, LineItem } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import type { World } from '../state/world.ts';

/** Stripe's most items on one invoice. */
const MAX_LINES = 250;

export function linesOf(world: World, invoice: Invoice): readonly LineItem[] {
  return world.get('local.invoice', invoice.id)?.lines ?? [];
}

/** Stores a draft with these lines and the totals they make. */
export function retotal(
  call: Call,
  invoice: Invoice,
  lines: readonly LineItem[],
  changes: Partial<Invoice> = {},
): Invoice {
  if (lines.length > MAX_LINES) {
    throw invalid(
      `An invoice can have at most ${MAX_LINES} line items; this one would have ${lines.length}.`,
      { param: 'lines' },
    );
  }
  const { world } = call;
  world.put('local.invoice', { id: invoice.id, lines, payment: null });
  const after = withTotals({ ...invoice, ...changes }, lines);
  world.put('invoice', after);
  emit(call, 'invoice.updated', after, invoice);
  return after;
}

export function withTotals(invoice: Invoice, lines: readonly LineItem[]): Invoice {
  const total = lines.reduce((sum, line) => sum + line.amount, 0);
  const due = Math.max(0, total);
  return {
    ...invoice,
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
    amount_due: due,
    amount_remaining: due,
  };
}

export function demandDraft(invoice: Invoice): void {
  if (invoice.status === 'draft') return;
  throw invalid(
    'This invoice is no longer editable: only draft invoices can have their lines changed.',
    { code: 'invoice_not_editable' },
  );
}
