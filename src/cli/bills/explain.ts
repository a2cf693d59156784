import { requireAccount } from '../../accounts/require-account.ts';
import type { Db } from '../../database/pool.ts';
import { explainLine } from '../../invoicing/explaining/explain-line.ts';
import { linesOf, type NumberedLine } from '../../invoicing/page-invoices.ts';
import type {
  ExplainedSegments,
  PricedSegment,
} from '../../invoicing/explaining/price-segments.ts';
import { Fault } from '../../values/fault.ts';
import { formatSecond } from '../../values/instant.ts';
import { formatCents } from '../../values/money.ts';
import { formatTenths, fromTenths } from '../../values/size.ts';
import { printJson, tableOf, type Output } from '../output.ts';
import { requireInvoiceById } from './require-invoice.ts';

type ExplainedLine = { readonly line: NumberedLine; readonly explained: ExplainedSegments };

/** `gigameter explain INVOICE [LINE]`: what each line adds up from, to the second, the cent and the event. */
export async function explainCommand(
  { db, output }: { readonly db: Db; readonly output: Output },
  invoiceId: string,
  lineNumber: string | undefined,
  options: { readonly json?: true },
): Promise<number> {
  const invoice = await requireInvoiceById(db, invoiceId);
  const account = await requireAccount(db, invoice.accountId);
  const lines = await linesOf(db, account.id, invoiceId);
  const asked = lines.filter(
    (line) => lineNumber === undefined || String(line.lineNumber) === lineNumber,
  );
  if (asked.length === 0 && lineNumber !== undefined) {
    const message = `${invoiceId} has lines 1 to ${lines.length}, no line ${lineNumber}`;
    throw new Fault('not_found', 'line_unknown', message);
  }
  const explained: ExplainedLine[] = [];
  for (const line of asked) {
    explained.push({ line, explained: await explainLine(db, account, invoiceId, line) });
  }
  if (options.json) {
    printJson(output, {
      invoice_id: invoiceId,
      account: account.id,
      chain_head: invoice.chainHead ?? null,
      lines: explained.map(lineToJson),
    });
  } else {
    const head = `${invoiceId}  ${account.id}  ${formatSecond(invoice.periodStart)} – ${formatSecond(invoice.periodEnd)}  ${formatCents(invoice.totalCents)}  ${invoice.state}`;
    output.data([head, ...explained.map(lineToText)].join('\n\n'));
  }
  return 0;
}

function lineToText({ line, explained: { segments, rest, archived } }: ExplainedLine): string {
  const title = `${line.lineNumber}. ${line.description}  ${formatCents(line.amountCents)}`;
  if (archived !== undefined) return `${title}\n${archived}`;
  if (segments.length === 0) return title;
  const rows = segments.map((segment) => [
    formatSecond(segment.from),
    formatSecond(segment.to),
    String(segment.to - segment.from),
    levelOf(line, segment),
    formatCents(segment.amountCents),
    `${segment.startedBy.source} ${segment.startedBy.id}`,
    segment.endedBy === undefined ? '' : `${segment.endedBy.source} ${segment.endedBy.id}`,
  ]);
  if (rest !== undefined) {
    rows.push(['rounding', '', '', '', formatCents(rest.amountCents), '', '']);
  }
  return `${title}\n${tableOf(
    [
      { title: 'from' },
      { title: 'to' },
      { title: 'seconds', align: 'right' },
      { title: 'level' },
      { title: 'amount', align: 'right' },
      { title: 'begun by' },
      { title: 'ended by' },
    ],
    rows,
  )}`;
}

function levelOf({ database }: NumberedLine, { job, level, sizeTenths }: PricedSegment): string {
  const size = fromTenths(sizeTenths);
  if (database !== undefined) return `size ${size}`;
  return job === undefined ? `${level / BigInt(sizeTenths)} × ${size}` : `job ${job} × ${size}`;
}

function lineToJson({ line, explained: { segments, rest, archived } }: ExplainedLine) {
  const isApp = line.database === undefined;
  return {
    line: line.lineNumber,
    description: line.description,
    amount_cents: Number(line.amountCents),
    ...(archived === undefined ? {} : { archived }),
    segments: segments.map((segment) => ({
      from: formatSecond(segment.from),
      to: formatSecond(segment.to),
      size: fromTenths(segment.sizeTenths),
      ...(segment.job === undefined ? {} : { job: segment.job }),
      ...(isApp
        ? { replica_size_seconds: formatTenths(segment.units) }
        : { seconds: segment.units.toString() }),
      amount_cents: Number(segment.amountCents),
      started_by: segment.startedBy,
      ended_by: segment.endedBy ?? null,
    })),
    rest_cents: rest === undefined ? 0 : Number(rest.amountCents),
  };
}
