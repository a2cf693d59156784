import type { VNode } from 'preact';
import type { Account } from '../../accounts/account.ts';
import type { InvoiceHead, NumberedLine } from '../../invoicing/page-invoices.ts';
import type { Unconfirmed } from '../../sources/unconfirmed.ts';
import { Page } from '../html/page.tsx';
import { Table } from '../html/parts.tsx';
import { Badge, formatDay, Instant, Money, Name } from '../html/text.tsx';
import { accountPath, invoicePath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';
import { Documents, InvoiceState } from './invoice-list.tsx';
import { Segments, type ShownSegments } from './segments.tsx';
import { UnconfirmedNote } from './unconfirmed.tsx';

export type ShownInvoice = {
  readonly account: Account;
  readonly invoice: InvoiceHead;
  readonly lines: readonly NumberedLine[];
  readonly unconfirmed: readonly Unconfirmed[];
  /** Of the line somebody asked about. */
  readonly explained: ShownSegments | undefined;
};

/** An invoice: on paper a document of its own, on the screen each line opens into its segments. */
export function InvoicePage({
  shown,
  viewer,
}: {
  readonly shown: ShownInvoice;
  readonly viewer: Viewer;
}): VNode {
  const { account, invoice, unconfirmed } = shown;
  return (
    <Page title={`Invoice ${invoice.invoiceId}`} viewer={viewer}>
      <p class="crumbs no-print">
        <a href={accountPath(account.id)}>
          Bill of <Name>{account.id}</Name>
        </a>
      </p>
      <article class="invoice">
        <h1>
          Invoice <InvoiceState invoice={invoice} />
        </h1>
        <dl class="facts">
          <dt>For</dt>
          <dd>
            <Name>{account.id}</Name>, <Name>{account.email}</Name>
          </dd>
          <dt>Number</dt>
          <dd>{invoice.invoiceId}</dd>
          <dt>Period</dt>
          <dd>
            <Instant at={invoice.periodStart} to="second" /> to{' '}
            <Instant at={invoice.periodEnd} to="second" /> UTC
          </dd>
          <dt>Made</dt>
          <dd>
            <Instant at={invoice.createdAt} />
          </dd>
          {invoice.paidAt === undefined ? null : (
            <>
              <dt>Paid</dt>
              <dd>
                <Instant at={invoice.paidAt} />
              </dd>
            </>
          )}
        </dl>
        <UnconfirmedNote times={unconfirmed} />
        <Lines {...shown} />
        <p class="no-print">
          <Documents invoice={invoice} />
        </p>
      </article>
    </Page>
  );
}

function Lines({ account, invoice, lines, explained }: ShownInvoice): VNode {
  const path = invoicePath(account.id, invoice.invoiceId);
  const isOpen = ({ lineNumber }: NumberedLine): boolean =>
    lineNumber === explained?.line.lineNumber;
  return (
    <>
      <Table
        label="Lines of the invoice"
        columns={[{ title: 'For' }, { title: 'Amount', align: 'right' }]}
        rows={lines.map((line) => [
          <span id={`line-${line.lineNumber}`}>
            <span class="name">{line.description}</span>
            {line.adjustsPeriodStart === undefined ? null : (
              <Badge tone="plain">corrects {formatDay(line.adjustsPeriodStart)}</Badge>
            )}
            {hasSegments(line) ? (
              <a
                class="no-print more"
                href={isOpen(line) ? path : `${path}?line=${line.lineNumber}#segments`}
              >
                {isOpen(line) ? 'hide segments' : 'segments'}
              </a>
            ) : null}
          </span>,
          <Money cents={line.amountCents} />,
        ])}
        foot={['Total', <Money cents={invoice.totalCents} />]}
        empty="This invoice has no lines."
      />
      {explained === undefined ? null : <Segments path={path} shown={explained} />}
    </>
  );
}

export function hasSegments({ kind }: NumberedLine): boolean {
  return kind === 'app' || kind === 'database' || kind === 'adjustment';
}
