import type { VNode } from 'preact';
import { Page } from '../html/page.tsx';
import { Section, Table } from '../html/parts.tsx';
import { Instant, Name } from '../html/text.tsx';
import type { Viewer } from '../session/guard.ts';
import { ActionForm } from './action-forms.tsx';
import { SCOPE_OF } from './actions.ts';
import type { AuditEntry } from './audit-store.ts';
import { Outcome } from './audit-page.tsx';
import { AccountLink } from './day-page.tsx';
import type { ParkedRow, QuarantinedRow } from './events-store.ts';

/** Events that were not recorded, and why. */
export function EventsPage({
  parked,
  quarantined,
  done,
  viewer,
}: {
  readonly parked: readonly ParkedRow[];
  readonly quarantined: readonly QuarantinedRow[];
  readonly done: AuditEntry | undefined;
  readonly viewer: Viewer;
}): VNode {
  const mayRetry = viewer.scopes.includes(SCOPE_OF.retry_parked);
  return (
    <Page title="Events" viewer={viewer} here="/operator/events">
      <h1>Events not recorded</h1>
      {done === undefined ? null : <Outcome entry={done} />}
      <Section title="Parked">
        <p class="note">They are recorded by themselves when what they wait for is reported.</p>
        <Table
          label="Parked events, the oldest first"
          columns={[
            { title: 'Event' },
            { title: 'Account' },
            { title: 'Waits for' },
            { title: 'Since' },
            { title: '' },
          ]}
          rows={parked.map((row) => [
            <EventName source={row.source} id={row.id} />,
            <AccountLink accountId={row.account} />,
            <>
              {row.waitsFor} <Name>{row.name}</Name>
            </>,
            <Instant at={row.parkedAt} />,
            mayRetry ? (
              <ActionForm
                kind="retry_parked"
                values={{ account: row.account, source: row.source, event: row.id }}
              />
            ) : null,
          ])}
          empty="Nothing is parked."
        />
      </Section>
      <Section title="Quarantined" id="quarantined">
        <p class="note">Each content once. A corrected event with a new id is simply reported.</p>
        <Table
          label="Quarantined events, the latest first"
          columns={[
            { title: 'Event' },
            { title: 'Account' },
            { title: 'What was wrong' },
            { title: 'Seen', align: 'right' },
            { title: 'Last' },
            { title: '' },
          ]}
          rows={quarantined.map((row) => [
            row.id === null ? 'no id' : <EventName source={row.source ?? '?'} id={row.id} />,
            row.account === null ? '–' : <AccountLink accountId={row.account} />,
            <span class="name long">
              {row.field} {row.value === '' ? 'is missing' : `is ${row.value}`}; it {row.rule}
            </span>,
            `${row.timesSeen} ×`,
            <Instant at={row.lastSeenAt} />,
            mayRetry ? (
              <ActionForm
                kind="retry_quarantined"
                values={{ account: row.account ?? '', digest: row.digest }}
              />
            ) : null,
          ])}
          empty="Nothing was refused."
        />
      </Section>
    </Page>
  );
}

function EventName({ source, id }: { readonly source: string; readonly id: string }): VNode {
  return (
    <>
      <Name>{id}</Name>{' '}
      <span class="note">
        from <Name>{source}</Name>
      </span>
    </>
  );
}
