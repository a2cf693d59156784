import { inPath, mergedMetadata, named, type Call, type MetadataParam } from '../call.ts';
import { emit } from '../events/emit.ts';
import type { JsonObject } from '../json.ts';
import type { Invoice, InvoiceItem, LineItem } from '../state/objects.ts';
import { invalid, missing } from '../refusal.ts';
import {
  changedItem,
  itemIdOf,
  lineFacts,
  lineOf,
  newItem,
  type ItemParams,
} from './invoice-items.ts';
import { demandDraft, linesOf, retotal } from './invoice-totals.ts';

type LineParams = ItemParams & { readonly invoice_item?: string };
type Whole = { readonly invoice_metadata?: MetadataParam };

/** All lines or none: each mints an invoice item, or takes in a pending one. */
export function addLines(
  call: Call,
  params: Whole & { readonly lines: readonly LineParams[] },
): Invoice {
  const invoice = draftInPath(call);
  const customer = named(call, 'customer', invoice.customer, 'customer');
  const added = params.lines.map((line, index) => {
    const path = `lines[${index}]`;
    const item =
      line.invoice_item === undefined
        ? newItem(
            call,
            customer,
            { ...line, currency: invoice.currency, invoice: invoice.id },
            path,
          )
        : takenIn(
            call,
            named(call, 'invoiceitem', line.invoice_item, `${path}[invoice_item]`),
            invoice,
            line,
          );
    return lineOf(call, item, invoice);
  });
  return saved(call, invoice, [...linesOf(call.world, invoice), ...added], params);
}

export function updateLines(
  call: Call,
  params: Whole & { readonly lines: readonly (ItemParams & { readonly id: string })[] },
): Invoice {
  const invoice = draftInPath(call);
  const changes = new Map(params.lines.map((change) => [change.id, change]));
  const lines = linesOf(call.world, invoice);
  for (const id of changes.keys()) demandLine(lines, id, 'lines');
  const after = lines.map((line) => {
    const change = changes.get(line.id);
    return change === undefined ? line : changedLine(call, line, change);
  });
  return saved(call, invoice, after, params);
}

export function updateLine(call: Call, params: ItemParams): LineItem {
  const invoice = draftInPath(call);
  const lines = linesOf(call.world, invoice);
  const before = demandLine(lines, call.path['line_item_id'] ?? '', 'line_item_id');
  const after = changedLine(call, before, params);
  retotal(
    call,
    invoice,
    lines.map((line) => (line.id === after.id ? after : line)),
  );
  return after;
}

/** `delete` also deletes the item behind the line, `unassign` makes it pending again. */
export function removeLines(
  call: Call,
  params: Whole & { readonly lines: readonly { readonly id: string; readonly behavior: string }[] },
): Invoice {
  const invoice = draftInPath(call);
  const lines = linesOf(call.world, invoice);
  for (const { id, behavior } of params.lines) {
    const item = named(call, 'invoiceitem', itemIdOf(demandLine(lines, id, 'lines')), 'lines');
    if (behavior === 'unassign') {
      call.world.put('invoiceitem', { ...item, invoice: null });
      continue;
    }
    call.world.remove('invoiceitem', item.id);
    emit(call, 'invoiceitem.deleted', item);
  }
  const gone = new Set(params.lines.map(({ id }) => id));
  return saved(
    call,
    invoice,
    lines.filter(({ id }) => !gone.has(id)),
    params,
  );
}

/** Every pending item of the customer and currency, for an invoice that includes them. */
export function sweepPending(call: Call, invoice: Invoice): readonly LineItem[] {
  const pending = call.world
    .all('invoiceitem')
    .filter(
      (item) =>
        item.invoice === null &&
        item.customer === invoice.customer &&
        item.currency === invoice.currency,
    );
  return pending.map((item) => lineOf(call, takenIn(call, item, invoice, {}), invoice));
}

/** The rows for the list of an invoice's lines; the oldest line comes first, unlike in every other list. */
export function linesInPath(call: Call): readonly JsonObject[] {
  return linesOf(call.world, inPath(call, 'invoice', 'invoice'));
}

function takenIn(call: Call, item: InvoiceItem, invoice: Invoice, params: ItemParams): InvoiceItem {
  if (item.invoice !== null)
    throw invalid(`The invoice item ${item.id} is already attached to an invoice.`);
  if (item.customer !== invoice.customer)
    throw invalid(`The invoice item ${item.id} belongs to another customer.`);
  const after = { ...changedItem(item, params), invoice: invoice.id };
  call.world.put('invoiceitem', after);
  return after;
}

function changedLine(call: Call, line: LineItem, params: ItemParams): LineItem {
  const item = changedItem(named(call, 'invoiceitem', itemIdOf(line), 'lines'), params);
  call.world.put('invoiceitem', item);
  return { ...line, ...lineFacts(item) };
}

function saved(
  call: Call,
  invoice: Invoice,
  lines: readonly LineItem[],
  { invoice_metadata: metadata }: Whole,
): Invoice {
  return retotal(call, invoice, lines, { metadata: mergedMetadata(invoice.metadata, metadata) });
}

function draftInPath(call: Call): Invoice {
  const invoice = inPath(call, 'invoice', 'invoice');
  demandDraft(invoice);
  return invoice;
}

function demandLine(lines: readonly LineItem[], id: string, param: string): LineItem {
  const line = lines.find((candidate) => candidate.id === id);
  if (line === undefined) throw missing('line item', id, param, 400);
  return line;
}
