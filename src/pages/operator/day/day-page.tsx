import type { VNode } from 'preact';
import { formatCents } from '../../../values/money.ts';
import type { QueueState } from '../../dependencies.ts';
import { Page } from '../../html/page.tsx';
import { Section, Table } from '../../html/parts.tsx';
import { Badge, Instant, Money, Name, plural } from '../../html/text.tsx';
import type { Viewer } from '../../session/guard.ts';
import { AccountLink } from '../account-link.tsx';
import { Figures, Trouble } from './day-figures.tsx';
import type { Day, DriftReport, SignalRow, Unpaid } from './day-store.ts';
import { Sources, Work } from './day-work.tsx';

export type ShownDay = {
  readonly since: Date;
  readonly now: Date;
  readonly day: Day;
  readonly unpaid: readonly Unpaid[];
  readonly drift: readonly DriftReport[];
  readonly signals: readonly SignalRow[];
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
  const { now, since, day, unpaid, drift, signals, queues } = shown;
  return (
    <Page title="Today" viewer={viewer} here="/operator">
      <h1>Today</h1>
      <p class="note">
        Since <Instant at={since} /> UTC; it is <Instant at={now} to="second" />.
      </p>
      <Figures day={day} />
      <Trouble day={day} />
      <Section title="Unpaid and past due" id="unpaid">
        <Table
          label="Accounts with unpaid invoices, those past due first"
          columns={[
            { title: 'Account' },
            { title: 'State' },
            { title: 'Owes', align: 'right' },
            { title: 'Why' },
          ]}
          rows={unpaid.map((row) => [
            <AccountLink accountId={row.accountId} />,
            row.pastDueSince === null ? (
              <>
                open since <Instant at={row.oldestAt} to="day" />
              </>
            ) : (
              <>
                <Badge tone="bad">past due</Badge> since <Instant at={row.pastDueSince} to="day" />
              </>
            ),
            <>
              <Money cents={row.cents} />{' '}
              <span class="note">{plural(row.invoices, 'invoice')}</span>
            </>,
            <Name>
              {row.reason ?? (row.pastDueSince === null ? 'not tried yet' : 'no card to charge')}
            </Name>,
          ])}
          empty="Nobody owes anything."
        />
        <More
          shown={unpaid.reduce((sum, { invoices }) => sum + invoices, 0n)}
          of={day.owedInvoices}
          noun="invoice"
        />
      </Section>
      <Section title="Differences found" id="drift">
        <Table
          label="Unresolved drift reports, the oldest first"
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
              <span class="note">
                <Name>
                  {Object.entries(row.details)
                    .map(([key, value]) => `${key.replaceAll('_', ' ')} ${String(value)}`)
                    .join(', ')}
                </Name>{' '}
                <code>
                  <Name>{row.driftId}</Name>
                </code>
              </span>
            </>,
            formatCents(row.cents),
            <Instant at={row.firstSeenAt} to="day" />,
          ])}
          empty="Our books agree with Stripe's and with the facts, as far as they were compared."
        />
        <More shown={BigInt(drift.length)} of={day.drift} noun="difference" />
        {drift.length === 0 ? null : (
          <p class="note">
            When one is dealt with: <code>gigameter resolve ACCOUNT DIFFERENCE --reason TEXT</code>
          </p>
        )}
      </Section>
      <Work queues={queues} heldBack={day.heldBack} />
      <Sources sources={day.sources} />
      <Section title="What the platform was told">
        <Table
          label="Latest signals"
          columns={[{ title: 'What' }, { title: 'About' }, { title: 'When' }]}
          rows={signals.map((row) => [
            row.kind,
            row.accountId === '' ? (
              <Name>{row.source ?? 'the platform'}</Name>
            ) : (
              <AccountLink accountId={row.accountId} />
            ),
            <Instant at={row.createdAt} />,
          ])}
          empty="Nothing yet."
        />
      </Section>
    </Page>
  );
}

/** That there are more than the table shows. */
function More({
  shown,
  of,
  noun,
}: {
  readonly shown: bigint;
  readonly of: bigint;
  readonly noun: string;
}): VNode | null {
  return of > shown ? <p class="note">And {plural(of - shown, noun)} more.</p> : null;
}
