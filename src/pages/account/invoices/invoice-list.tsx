import type { VNode } from 'preact';
import type { InvoiceHead } from '../../invoicing/page-invoices.ts';
import { Table } from '../html/parts.tsx';
import { Badge, Instant, Money } from '../html/text.tsx';
import { invoicePath } from '../paths.ts';

export function Invoices({
  accountId,
  invoices,
}: {
  readonly accountId: string;
  readonly invoices: readonly InvoiceHead[];
}): VNode {
  return (
    <Table
      label="Invoices, the latest first"
      columns={[
        { title: 'Period' },
        { title: 'State' },
        { title: 'Amount', align: 'right' },
        { title: 'Documents' },
      ]}
      rows={invoices.map((invoice) => [
        <a href={invoicePath(accountId, invoice.invoiceId)}>
          <Instant at={invoice.periodStart} to="day" /> –{' '}
          <Instant at={invoice.periodEnd} to="day" />
        </a>,
        <InvoiceState invoice={invoice} />,
        <Money cents={invoice.totalCents} />,
        <Documents invoice={invoice} />,
      ])}
      empty="No invoices yet: the first comes at the end of the first charged period."
    />
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
