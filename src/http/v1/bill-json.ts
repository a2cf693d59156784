import { z } from 'zod';
import type { InvoiceLine } from '../../invoicing/compose-invoice.ts';
import type { BillPreview } from '../../invoicing/preview-bill.ts';
import { invoiceLine, lineToJson } from './invoice-json.ts';
import { cents, instant, period, periodToJson, tier, toCents, toInstant } from './schemas.ts';

export const bill = z
  .object({
    account: z.string(),
    tier,
    period,
    counted_to: instant,
    lines: z.array(invoiceLine),
    total_cents: cents.meta({ description: 'before credit' }),
  })
  .meta({ id: 'Bill' });

export function billToJson(account: string, preview: BillPreview): z.output<typeof bill> {
  return {
    account,
    tier: preview.tier,
    period: periodToJson(preview.period),
    counted_to: toInstant(preview.countedTo),
    lines: linesToJson(preview.lines),
    total_cents: toCents(preview.totalCents),
  };
}

/** Lines as they would stand on an invoice. */
export function linesToJson(lines: readonly InvoiceLine[]): z.output<typeof invoiceLine>[] {
  return lines.map((line, index) =>
    lineToJson({
      lineNumber: index + 1,
      kind: line.kind,
      app: 'app' in line ? line.app : undefined,
      database: 'database' in line ? line.database : undefined,
      sizeTenths: 'sizeTenths' in line ? line.sizeTenths : undefined,
      quantity: quantityOf(line),
      description: line.description,
      amountCents: line.amountCents,
    }),
  );
}

function quantityOf(line: InvoiceLine): bigint {
  if (line.kind === 'app') return line.rssTenths;
  return line.kind === 'database' ? line.seconds : 0n;
}
