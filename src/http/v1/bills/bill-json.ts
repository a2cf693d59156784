import { z } from 'zod';
import type { InvoiceLine } from '../../../invoicing/compose-invoice.ts';
import type { BillPreview } from '../../../invoicing/previews/preview-bill.ts';
import { quantityOf } from '../../../pricing/line.ts';
import { invoiceLine, lineToJson } from './invoice-json.ts';
import type { Unconfirmed } from '../../../sources/silence/unconfirmed.ts';
import { cents, instant, period, periodToJson, tier, toCents, toInstant } from '../schemas.ts';
import { unconfirmed, unconfirmedToJson } from './unconfirmed.ts';

export const bill = z
  .object({
    account: z.string(),
    tier,
    period,
    counted_to: instant,
    lines: z.array(invoiceLine),
    total_cents: cents.meta({ description: 'before credit' }),
    unconfirmed,
  })
  .meta({ id: 'Bill' });

export function billToJson(
  account: string,
  preview: BillPreview,
  silent: readonly Unconfirmed[],
): z.output<typeof bill> {
  return {
    account,
    tier: preview.tier,
    period: periodToJson(preview.period),
    counted_to: toInstant(preview.countedTo),
    lines: linesToJson(preview.lines),
    total_cents: toCents(preview.totalCents),
    unconfirmed: unconfirmedToJson(silent),
  };
}

/** Lines as they would stand on an invoice. */
export function linesToJson(lines: readonly InvoiceLine[]): z.output<typeof invoiceLine>[] {
  return lines.map((line, index) => {
    const subject = line.kind === 'adjustment' ? line.subject : line;
    return lineToJson({
      lineNumber: index + 1,
      kind: line.kind,
      app: 'app' in subject ? subject.app : undefined,
      database: 'database' in subject ? subject.database : undefined,
      sizeTenths: 'sizeTenths' in subject ? subject.sizeTenths : undefined,
      adjustsPeriodStart: line.kind === 'adjustment' ? line.periodStart : undefined,
      quantity: unitsOf(line),
      description: line.description,
      amountCents: line.amountCents,
    });
  });
}

function unitsOf(line: InvoiceLine): bigint {
  switch (line.kind) {
    case 'app':
    case 'database':
      return quantityOf(line);
    case 'adjustment':
      return line.quantity;
    case 'carried':
    case 'written_off':
    case 'credit':
      return 0n;
  }
}
