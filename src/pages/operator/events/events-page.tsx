import type { VNode } from 'preact';
import { Page } from '../../html/page.tsx';
import { isIdentifier } from '../../../values/identifier.ts';
import { Pages, Section, Table } from '../../html/parts.tsx';
import { Instant, Name, shortened } from '../../html/text.tsx';
import type { Viewer } from '../../session/guard.ts';
import { ActionForm } from '../actions/action-forms.tsx';
import { SCOPE_OF } from '../actions/actions.ts';
import type { AuditEntry } from '../actions/audit-store.ts';
import { Outcome } from '../actions/audit-page.tsx';
import { AccountLink } from '../account-link.tsx';
import type { Slice } from '../slice.ts';
import { EVENTS_PER_PAGE, type ParkedRow, type QuarantinedRow } from './events-store.ts';

/** Events that were not recorded, and why. */
export function EventsPage({
  parked,
  quarantined,
  done,
  viewer,
}: {
  readonly parked: Slice<ParkedRow>;
  readonly quarantined: Slice<QuarantinedRow>;
  readonly done: AuditEntry | undefined;
  readonly viewer: Viewer;
}): VNode {
  const mayRetry = viewer.scopes.includes(SCOPE_OF.retry_parked);
  return (
    <Page title="Events" viewer={viewer} here="/operator/events">
      <h1>Events not recorded</h1>
      {done === undefined ? null : <Outcome entry={done} />}
      <Section title="Parked" id="parked">
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
          rows={parked.rows.map((row) => [
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
        <Pages {...parked} perPage={EVENTS_PER_PAGE} linkTo={(from) => `?parked=${from}#parked`} />
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
          rows={quarantined.rows.map((row) => [
            row.id === null ? 'no id' : <EventName source={row.source ?? '?'} id={row.id} />,
            <Account named={row.account} />,
            <>
              <Name>{row.field}</Name>{' '}
              {row.value === '' ? (
                'is missing'
              ) : (
                <>
                  is <Name>{row.value}</Name>
                </>
              )}
              ; it {row.rule}
              <details>
                <summary>as reported</summary>
                <code>
                  <Name>{withoutTurns(row.reported)}</Name>
                </code>
              </details>
            </>,
            `${row.timesSeen} ×`,
            <Instant at={row.lastSeenAt} />,
            mayRetry ? (
              <ActionForm
                kind="retry_quarantined"
                values={{
                  account: isNamed(row.account) ? row.account : '',
                  source: row.source ?? '',
                  event: row.id ?? '',
                  digest: row.digest,
                }}
              />
            ) : null,
          ])}
          empty="Nothing was refused."
        />
        <Pages
          {...quarantined}
          perPage={EVENTS_PER_PAGE}
          linkTo={(from) => `?quarantined=${from}#quarantined`}
        />
      </Section>
    </Page>
  );
}

/** Marks of direction as JSON may write them, too: else one would turn all that follows. */
function withoutTurns(json: string): string {
  return json.replaceAll(
    /[\u202A-\u202E\u2066-\u2069]/g,
    (mark) => `\\u${mark.codePointAt(0)!.toString(16)}`,
  );
}

function Account({ named }: { readonly named: string | null }): VNode {
  if (isNamed(named)) return <AccountLink accountId={named} />;
  return <Name>{shortened(named ?? '–', 60)}</Name>;
}

function isNamed(account: string | null): account is string {
  return account !== null && isIdentifier(account);
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
