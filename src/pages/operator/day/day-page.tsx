import type { VNode } from 'preact';
import type { QueueState } from '../dependencies.ts';
import { Page } from '../html/page.tsx';
import { Section, Table, Tile } from '../html/parts.tsx';
import { Badge, Instant, Money, Name, plural } from '../html/text.tsx';
import { operatorAccountPath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';
import type { Day, DriftReport, Overdue, PastDue, SignalRow, StripeRate } from './day-store.ts';
import type { SilentSource } from './sources-store.ts';

export type ShownDay = {
  readonly since: Date;
  readonly now: Date;
  readonly day: Day;
  readonly overdue: Overdue;
  readonly pastDue: readonly PastDue[];
  readonly drift: readonly DriftReport[];
  readonly silent: readonly SilentSource[];
  readonly signals: readonly SignalRow[];
  readonly rates: readonly StripeRate[];
  readonly queues: readonly QueueState[];
};

/** Money, work and trouble at a glance: what needs a person comes first. */
export function DayPage({
  shown,
  viewer,
}: {
  readonly shown: ShownDay;
  readonly viewer: Viewer;
}): VNode {
  const { now, since, pastDue, drift, signals } = shown;
  return (
    <Page title="Today" viewer={viewer} here="/operator">
      <h1>Today</h1>
      <p class="note">
        Since <Instant at={since} /> UTC; it is <Instant at={now} to="second" />.
      </p>
      <Figures shown={shown} />
      <Trouble shown={shown} />
      <Section title="Unpaid and past due">
        <Table
          label="Accounts that are past due, the longest first"
          columns={[
            { title: 'Account' },
            { title: 'Since' },
            { title: 'Owes', align: 'right' },
            { title: 'Why' },
          ]}
          rows={pastDue.map((row) => [
            <AccountLink accountId={row.accountId} />,
            <Instant at={row.since} to="day" />,
            <>
              <Money cents={row.cents} />{' '}
              <span class="note">{plural(row.invoices, 'invoice')}</span>
            </>,
            row.reason ?? 'no card to charge',
          ])}
          empty="Nobody is past due."
        />
      </Section>
      <Section title="Differences from Stripe">
        <Table
          label="Unresolved drift reports"
          columns={[
            { title: 'Account' },
            { title: 'What' },
            { title: 'Theirs less ours', align: 'right' },
            { title: 'Since' },
          ]}
          rows={drift.map((row) => [
            row.accountId === '' ? 'unknown' : <AccountLink accountId={row.accountId} />,
            <>
              {row.kind.replaceAll('_', ' ')}{' '}
              <span class="note name">
                {Object.entries(row.details)
                  .map(([key, value]) => `${key} ${String(value)}`)
                  .join(', ')}
              </span>
            </>,
            <Money cents={row.cents} />,
            <Instant at={row.firstSeenAt} to="day" />,
          ])}
          empty="Our books and Stripe's agree as far as they were compared."
        />
      </Section>
      <Work shown={shown} />
      <Section title="What the platform was told">
        <Table
          label="Latest signals"
          columns={[{ title: 'When' }, { title: 'Account' }, { title: 'What' }]}
          rows={signals.map((row) => [
            <Instant at={row.createdAt} />,
            <AccountLink accountId={row.accountId} />,
            row.kind,
          ])}
          empty="Nothing yet."
        />
      </Section>
    </Page>
  );
}

export function AccountLink({ accountId }: { readonly accountId: string }): VNode {
  return (
    <a href={operatorAccountPath(accountId)}>
      <Name>{accountId}</Name>
    </a>
  );
}

function Figures({ shown: { day } }: { readonly shown: ShownDay }): VNode {
  return (
    <dl class="tiles">
      <Tile label="Closed" value={day.closedPeriods.toLocaleString('en-US')}>
        periods, {plural(day.madeInvoices, 'invoice')} of <Money cents={day.madeCents} />
      </Tile>
      <Tile label="Collected" value={<Money cents={day.paidCents} />}>
        by {plural(day.payments, 'payment')}, {day.declined.toLocaleString('en-US')} declined
      </Tile>
      <Tile label="Unpaid" value={<Money cents={day.openCents} />}>
        on {plural(day.openInvoices, 'invoice')}
      </Tile>
      <Tile label="On their way" value={day.onTheirWay.toLocaleString('en-US')}>
        invoices not at Stripe yet
      </Tile>
    </dl>
  );
}

function Trouble({ shown }: { readonly shown: ShownDay }): VNode {
  const { day, overdue, drift, silent } = shown;
  const troubles: readonly (VNode | false)[] = [
    day.needsOperator > 0n && (
      <>{plural(day.needsOperator, 'invoice')} cannot go on without a person.</>
    ),
    overdue.periods > 0n && (
      <>
        {plural(overdue.periods, 'period')} ended and not closed, since{' '}
        <Instant at={overdue.oldest ?? 0n} />.
      </>
    ),
    day.parked > 0n && (
      <>
        <a href="/operator/events">{plural(day.parked, 'event')} parked</a>: what they are about is
        not known yet.
      </>
    ),
    day.quarantined > 0n && (
      <>
        <a href="/operator/events#quarantined">{plural(day.quarantined, 'event')} refused</a> and
        kept in quarantine.
      </>
    ),
    drift.length > 0 && <>{plural(drift.length, 'difference')} from Stripe.</>,
    ...silent.map(({ source, since }) => (
      <>
        Source <Name>{source}</Name> is silent since <Instant at={since} />.
      </>
    )),
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

function Work({ shown: { queues, rates, now } }: { readonly shown: ShownDay }): VNode {
  const right = { align: 'right' } as const;
  const count = ({ counts }: QueueState, state: string): string =>
    (counts[state] ?? 0).toLocaleString('en-US');
  return (
    <div class="columns">
      <Section title="Queues" aside={<a href="/operator/queues">Board</a>}>
        <Table
          label="Jobs of each queue"
          columns={[
            { title: 'Queue' },
            { title: 'waiting', ...right },
            { title: 'active', ...right },
            { title: 'delayed', ...right },
            { title: 'failed', ...right },
          ]}
          rows={queues.map((queue) => [
            queue.name,
            count(queue, 'waiting'),
            count(queue, 'active'),
            count(queue, 'delayed'),
            count(queue, 'failed'),
          ])}
          empty="This process has no queues."
        />
      </Section>
      <Section title="Calls to Stripe">
        <Table
          label="Rates of calls to Stripe"
          columns={[{ title: 'Kind' }, { title: 'Rate' }]}
          rows={rates.map(({ bucket, halvings, shutUntil }) => [
            bucket,
            shutUntil !== null && shutUntil > now ? (
              <Badge tone="bad">
                shut until <Instant at={shutUntil} to="second" />
              </Badge>
            ) : halvings === 0 ? (
              <Badge tone="good">full</Badge>
            ) : (
              <Badge tone="warn">1/{2 ** halvings} of full</Badge>
            ),
          ])}
          empty="Nothing holds calls to Stripe back."
        />
      </Section>
    </div>
  );
}
