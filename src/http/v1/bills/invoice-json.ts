import { z } from 'zod';
import type { InvoiceHead, NumberedLine } from '../../../invoicing/page-invoices.ts';
import { formatTenths, fromTenths } from '../../../values/size.ts';
import {
  cents,
  dateToInstant,
  decimal,
  instant,
  period,
  periodToJson,
  toCents,
  toInstant,
} from '../schemas.ts';
import { unconfirmed } from './unconfirmed.ts';

export const invoiceHead = z
  .object({
    invoice_id: z.string().meta({ example: 'inv_0123456789abcdef01234567' }),
    period,
    state: z.string().meta({
      description:
        'frozen, drafted, filled, verified or finalizing (on its way to Stripe), open, paid, settled ' +
        '(nothing to pay), void, uncollectible or needs_operator',
      example: 'paid',
    }),
    paid: z.boolean(),
    total_cents: cents.meta({ description: 'what is to be paid, after credit' }),
    created_at: instant,
    paid_at: instant.nullable(),
    hosted_url: z.string().nullable().meta({ description: "Stripe's page to look at and pay it" }),
    pdf_url: z.string().nullable(),
  })
  .meta({ id: 'Invoice' });

export const invoiceLine = z
  .object({
    line: z.number().int().meta({ description: 'its number on the invoice, from 1' }),
    kind: z.string().meta({
      description: 'app, database, carried, written_off, credit or adjustment',
      example: 'app',
    }),
    app: z.string().optional(),
    replica_size_seconds: decimal.optional().meta({ description: 'of an app, with its jobs' }),
    database: z.string().optional(),
    size: z.number().optional().meta({ description: 'of a database' }),
    seconds: decimal.optional().meta({ description: 'of a database at this size' }),
    corrects_period_start: instant
      .optional()
      .meta({ description: 'of an adjustment: the earlier period; its quantity is a difference' }),
    description: z.string(),
    amount_cents: cents,
  })
  .meta({ id: 'InvoiceLine' });

export const invoiceWithLines = invoiceHead
  .extend({ lines: z.array(invoiceLine), unconfirmed })
  .meta({ id: 'InvoiceWithLines' });

export function headToJson(head: InvoiceHead): z.output<typeof invoiceHead> {
  return {
    invoice_id: head.invoiceId,
    period: periodToJson({ start: head.periodStart, end: head.periodEnd }),
    state: head.state,
    paid: head.isPaid,
    total_cents: toCents(head.totalCents),
    created_at: dateToInstant(head.createdAt),
    paid_at: head.paidAt === undefined ? null : dateToInstant(head.paidAt),
    hosted_url: head.hostedUrl ?? null,
    pdf_url: head.pdfUrl ?? null,
  };
}

export function lineToJson(line: NumberedLine): z.output<typeof invoiceLine> {
  const { lineNumber, kind, app, database, sizeTenths, quantity, adjustsPeriodStart } = line;
  const isUsage = kind === 'app' || kind === 'database' || kind === 'adjustment';
  return {
    line: lineNumber,
    kind,
    ...(app === undefined ? {} : { app }),
    ...(isUsage && database === undefined ? { replica_size_seconds: formatTenths(quantity) } : {}),
    ...(database === undefined ? {} : { database }),
    ...(sizeTenths === undefined ? {} : { size: fromTenths(sizeTenths) }),
    ...(isUsage && database !== undefined ? { seconds: quantity.toString() } : {}),
    ...(adjustsPeriodStart === undefined
      ? {}
      : { corrects_period_start: toInstant(adjustsPeriodStart) }),
    description: line.description,
    amount_cents: toCents(line.amountCents),
  };
}
