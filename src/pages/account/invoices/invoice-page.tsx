import type { VNode } from 'preact';
import type { NumberedLine } from '../../../invoicing/page-invoices.ts';
import { Page } from '../../html/page.tsx';
import { Pages, Table } from '../../html/parts.tsx';
import { Badge, formatDay, Instant, Money, Name } from '../../html/text.tsx';
import { accountPath } from '../../paths.ts';
import type { Viewer } from '../../session/guard.ts';
import { Documents, InvoiceState } from './invoice-list.tsx';
import { Description } from './description.tsx';
import { hasSegments, type Payment, type ShownInvoice } from './load-invoice.ts';
import { Segments } from './segments.tsx';
import { UnconfirmedNote } from '../unconfirmed.tsx';

/** An invoice: on paper a document of its own, on the screen each line opens into its segments. */
export function InvoicePage({
  shown,
  viewer,
  from,
  after,
}: {
  readonly shown: ShownInvoice;
  readonly viewer: Viewer;
  /** How many lines, and segments, are left out before those that are shown. */
  readonly from: number;
  readonly after: number;
}): VNode {
  const { account, invoice, unconfirmed, nextAttemptAt, payments, explained } = shown;
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
          <dt>Billed to</dt>
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
            <Instant at={invoice.createdAt} /> UTC
          </dd>
          {invoice.paidAt === undefined ? null : (
            <>
              <dt>Paid</dt>
              <dd>
                <Instant at={invoice.paidAt} /> UTC
              </dd>
            </>
          )}
          {invoice.state === 'open' ? (
            <>
              <dt>Next try</dt>
              <dd>
                {nextAttemptAt === undefined ? null : (
                  <>
                    <Instant at={nextAttemptAt} /> UTC, or{' '}
                  </>
                )}
                when another card is set
              </dd>
            </>
          ) : null}
        </dl>
        <UnconfirmedNote times={unconfirmed} open="the invoice was made" />
        <Lines shown={shown} from={from} />
        {explained === undefined ? null : <Segments shown={explained} from={from} after={after} />}
        <Payments payments={payments} />
        <p class="no-print">
          <Documents invoice={invoice} />
        </p>
      </article>
    </Page>
  );
}

/** So that a page stays small, whatever was billed. */
const LINES_PER_PAGE = 50;

/** Links name no path: that of an account may be long. */
function Lines({
  shown: { invoice, lines, explained },
  from,
}: {
  readonly shown: ShownInvoice;
  readonly from: number;
}): VNode {
  const page = lines.slice(from, from + LINES_PER_PAGE);
  const isOpen = ({ lineNumber }: NumberedLine): boolean =>
    lineNumber === explained?.line.lineNumber;
  const query = (line: NumberedLine): string =>
    isOpen(line) ? `?from=${from}` : `?from=${from}&line=${line.lineNumber}#segments`;
  return (
    <>
      <Table
        label="Lines of the invoice"
        columns={[{ title: 'What' }, { title: 'Amount', align: 'right' }]}
        rows={page.map((line) => [
          <>
            <Description line={line} />{' '}
            {line.adjustsPeriodStart === undefined ? null : (
              <Badge tone="plain">corrects {formatDay(line.adjustsPeriodStart)}</Badge>
            )}
            {hasSegments(line) ? (
              <a class="no-print more" href={query(line)}>
                {isOpen(line) ? 'hide segments' : 'segments'}
              </a>
            ) : null}
          </>,
          <Money cents={line.amountCents} />,
        ])}
        foot={['Total', <Money cents={invoice.totalCents} />]}
        empty="This invoice has no lines."
      />
      {page.length === lines.length ? null : (
        <p class="note">
          Lines {from + 1} to {from + page.length} of {lines.length}; the total is that of all.
        </p>
      )}
      <Pages
        rows={page}
        from={from}
        isLast={from + page.length >= lines.length}
        perPage={LINES_PER_PAGE}
        linkTo={(start) => `?from=${start}`}
      />
    </>
  );
}

/** What was tried and given back; nothing for an invoice that needed no payment. */
function Payments({ payments }: Pick<ShownInvoice, 'payments'>): VNode | null {
  if (payments.length === 0) return null;
  return (
    <div class="payments">
      <h2>Payments</h2>
      <Table
        label="Payments and refunds of the invoice"
        columns={[{ title: 'When (UTC)' }, { title: 'What' }, { title: 'Amount', align: 'right' }]}
        rows={payments.map((payment) => [
          <Instant at={payment.at} />,
          <Name>{describe(payment)}</Name>,
          payment.state === 'failed' ? '–' : <Money cents={payment.cents} />,
        ])}
        empty=""
      />
    </div>
  );
}

function describe({ kind, state, message }: Payment): string {
  if (kind === 'refund')
    return state === 'done' ? 'refunded' : `refund, ${REFUND_STATES[state] ?? state}`;
  if (state === 'failed') return message === null ? 'not paid' : `not paid: ${message}`;
  return state === 'paid' ? 'paid by card' : 'payment under way';
}

const REFUND_STATES: Readonly<Record<string, string>> = {
  planned: 'under way',
  pending: 'on its way to the bank',
  needs_operator: 'under way',
};
