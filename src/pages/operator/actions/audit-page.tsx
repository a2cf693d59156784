import type { VNode } from 'preact';
import { Page } from '../html/page.tsx';
import { Table } from '../html/parts.tsx';
import { Badge, Instant, Name } from '../html/text.tsx';
import type { Viewer } from '../session/guard.ts';
import type { AuditEntry } from './audit-store.ts';
import { AccountLink } from './day-page.tsx';

/** What operators did on these pages. */
export function AuditPage({
  entries,
  viewer,
}: {
  readonly entries: readonly AuditEntry[];
  readonly viewer: Viewer;
}): VNode {
  return (
    <Page title="Actions" viewer={viewer} here="/operator/actions">
      <h1>What operators did</h1>
      <Table
        label="Actions, the latest first"
        columns={[
          { title: 'When' },
          { title: 'Who' },
          { title: 'What' },
          { title: 'Account' },
          { title: 'Outcome' },
        ]}
        rows={entries.map((entry) => [
          <Instant at={entry.startedAt} to="second" />,
          <Name>{entry.actor}</Name>,
          <>
            {entry.kind.replaceAll('_', ' ')} <span class="note name">{detailsOf(entry)}</span>
          </>,
          entry.accountId === '' ? '–' : <AccountLink accountId={entry.accountId} />,
          <>
            <State entry={entry} /> <span class="name">{entry.message ?? ''}</span>
          </>,
        ])}
        empty="Nothing was done yet."
      />
    </Page>
  );
}

/** What came of the action somebody just asked for. */
export function Outcome({ entry }: { readonly entry: AuditEntry }): VNode {
  const tone = entry.state === 'done' ? 'good' : 'bad';
  const message = entry.message ?? 'It is under way; its outcome is written down under Actions.';
  return (
    <p class={`alert ${tone} name`} role="status">
      {entry.state === 'refused' ? `Refused: ${message}` : message}
    </p>
  );
}

function State({ entry: { state } }: { readonly entry: AuditEntry }): VNode {
  if (state === 'done') return <Badge tone="good">done</Badge>;
  return <Badge tone={state === 'refused' ? 'bad' : 'warn'}>{state}</Badge>;
}

function detailsOf({ details }: AuditEntry): string {
  if (typeof details !== 'object' || details === null) return '';
  return Object.entries(details)
    .filter(([key, value]) => value !== '' && key !== 'digest')
    .map(([key, value]) =>
      key === 'amount' ? `${String(value)} cents` : `${key} ${String(value)}`,
    )
    .join(', ');
}
