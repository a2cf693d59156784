import type { VNode } from 'preact';
import { Section, Tile } from '../../html/parts.tsx';
import { Instant, Money, Name, plural } from '../../html/text.tsx';
import { invoicePath } from '../../paths.ts';
import { AccountLink } from '../account-link.tsx';
import { MOST_COUNTED, type Day } from './day-store.ts';

/** The day in five numbers. */
export function Figures({ day }: { readonly day: Day }): VNode {
  return (
    <dl class="tiles">
      <Tile label="Closed" value={day.closedPeriods.toLocaleString('en-US')}>
        {day.closedPeriods === 1n ? 'period' : 'periods'}, {plural(day.madeInvoices, 'invoice')} of{' '}
        <Money cents={day.madeCents} />
      </Tile>
      <Tile label="Collected" value={<Money cents={day.paidCents} />}>
        by {plural(day.payments, 'payment')}, {day.declined.toLocaleString('en-US')} declined
      </Tile>
      <Tile label="Unpaid" value={<Money cents={day.owedCents} />}>
        on {plural(day.owedInvoices, 'invoice')}
      </Tile>
      <Tile label="On their way" value={day.onTheirWay.toLocaleString('en-US')}>
        {day.onTheirWay === 1n ? 'invoice' : 'invoices'} not at Stripe yet
      </Tile>
      <Tile label="Recorded" value={counted(day.recordedLately)}>
        {day.recordedLately === 1n ? 'event' : 'events'} in the last hour
      </Tile>
    </dl>
  );
}

/** `1,234`, or `100,000+` where counting ended. */
function counted(count: bigint): string {
  return `${count.toLocaleString('en-US')}${count >= MOST_COUNTED ? '+' : ''}`;
}

/** What needs a person. */
export function Trouble({ day }: { readonly day: Day }): VNode {
  const troubles: readonly (VNode | false)[] = [
    day.needsOperator > 0n && (
      <>
        {plural(day.needsOperator, 'invoice')} cannot go on without a person. When one is dealt
        with: <code>gigameter resume INVOICE</code>
        <ul>
          {day.stuck.map(({ accountId, invoiceId, reason }) => (
            <li key={invoiceId}>
              <a href={invoicePath(accountId, invoiceId)}>{invoiceId}</a> of{' '}
              <AccountLink accountId={accountId} />
              {reason === null ? null : (
                <>
                  : <Name>{reason}</Name>
                </>
              )}
            </li>
          ))}
        </ul>
      </>
    ),
    day.overdue > 0n && (
      <>
        {plural(day.overdue, 'period')} ended and not closed, since{' '}
        <Instant at={day.overdueSince ?? 0n} />.
      </>
    ),
    day.parked > 0n && (
      <>
        <a href="/operator/events">
          {counted(day.parked)} {day.parked === 1n ? 'event' : 'events'} parked
        </a>
        : what {day.parked === 1n ? 'it is' : 'they are'} about is not known yet. The oldest has
        waited since <Instant at={day.oldestParkedAt!} />.
      </>
    ),
    day.quarantined > 0n && (
      <>
        <a href="/operator/events#quarantined">
          {counted(day.quarantined)} {day.quarantined === 1n ? 'event' : 'events'} refused
        </a>{' '}
        and kept in quarantine, the latest <Instant at={day.latestRefusedAt!} />.
      </>
    ),
    day.drift > 0n && (
      <>
        <a href="#drift">{plural(day.drift, 'difference')}</a> between our books, Stripe's and the
        facts.
      </>
    ),
    ...day.sources.map(
      ({ source, silentSince }) =>
        silentSince !== undefined && (
          <>
            Source <Name>{source}</Name> has been silent since <Instant at={silentSince} />.
          </>
        ),
    ),
  ];
  const found = troubles.filter((one) => one !== false);
  return (
    <Section title="Needs a look">
      {found.length === 0 ? (
        <p class="empty">Nothing.</p>
      ) : (
        <ul class="troubles">
          {found.map((one, index) => (
            <li key={index}>{one}</li>
          ))}
        </ul>
      )}
    </Section>
  );
}
