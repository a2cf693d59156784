import type { VNode } from 'preact';
import type { InvoiceHead } from '../../../invoicing/page-invoices.ts';
import { Table } from '../../html/parts.tsx';
import { Badge, Instant, Money } from '../../html/text.tsx';
import { invoicePath } from '../../paths.ts';
import type { Bill } from '../load-bill.ts';

export function Invoices({
  bill: { account, invoices: page, invoicesBefore },
}: {
  readonly bill: Bill;
}): VNode {
  const last = page.isLast ? undefined : page.invoices.at(-1);
  return (
    <>
      <Table
        label="Invoices, the latest first"
        columns={[
          { title: 'Period' },
          { title: 'State' },
          { title: 'Amount', align: 'right' },
          { title: 'Documents' },
        ]}
        rows={page.invoices.map((invoice) => [
          <a href={invoicePath(account.id, invoice.invoiceId)}>
            <Instant at={invoice.periodStart} to="day" /> –{' '}
            <Instant at={invoice.periodEnd} to="day" />
          </a>,
          <InvoiceState invoice={invoice} />,
          <Money cents={invoice.totalCents} />,
          <Documents invoice={invoice} />,
        ])}
        empty={
          invoicesBefore === undefined
            ? 'No invoices yet: the first comes at the end of the first charged period.'
            : 'No earlier invoices.'
        }
      />
      {last === undefined && invoicesBefore === undefined ? null : (
        <p class="links no-print">
          {invoicesBefore === undefined ? null : <a href="?#invoices">Latest invoices</a>}
          {last === undefined ? null : (
            <a href={`?before=${last.periodStart}#invoices`}>Earlier invoices</a>
          )}
        </p>
      )}
    </>
  );
}

export function InvoiceState({
  invoice: { state, isPaid },
}: {
  readonly invoice: InvoiceHead;
}): VNode {
  if (isPaid) return <Badge tone="good">{state === 'settled' ? 'nothing to pay' : 'paid'}</Badge>;
  if (state === 'open') return <Badge tone="warn">open</Badge>;
  if (state === 'uncollectible') return <Badge tone="bad">not paid</Badge>;
  if (state === 'void') return <Badge tone="plain">void</Badge>;
  return <Badge tone="plain">being issued</Badge>;
}

export function Documents({
  invoice: { pdfUrl, hostedUrl },
}: {
  readonly invoice: InvoiceHead;
}): VNode {
  return (
    <span class="links">
      {isWeb(pdfUrl) ? <a href={pdfUrl}>PDF</a> : null}
      {isWeb(hostedUrl) ? <a href={hostedUrl}>Stripe's page</a> : null}
    </span>
  );
}

/** An address from elsewhere is only a link when it can do nothing else. */
function isWeb(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//.test(url);
}
