import type { VNode } from 'preact';
import { formatCents } from '../../../values/money.ts';
import { Page } from '../../html/page.tsx';
import { Pages, Table } from '../../html/parts.tsx';
import { Badge, Instant, Name, withStop } from '../../html/text.tsx';
import type { Viewer } from '../../session/guard.ts';
import type { Slice } from '../slice.ts';
import { titleOf } from './action-forms.tsx';
import { ACTIONS_PER_PAGE, type AuditEntry } from './audit-store.ts';
import { AccountLink } from '../account-link.tsx';

/** What operators did on these pages. */
export function AuditPage({
  entries,
  viewer,
}: {
  readonly entries: Slice<AuditEntry>;
  readonly viewer: Viewer;
}): VNode {
  return (
    <Page title="Actions" viewer={viewer} here="/operator/actions">
      <h1>What operators did</h1>
      <section>
        <Table
          label="Actions, the latest first"
          columns={[
            { title: 'What' },
            { title: 'Account' },
            { title: 'When (UTC)' },
            { title: 'Who' },
            { title: 'Outcome' },
          ]}
          rows={entries.rows.map((entry) => [
            <>
              {titleOf(entry.kind)}{' '}
              <span class="note">
                <Name>{detailsOf(entry)}</Name>
              </span>
            </>,
            entry.accountId === '' ? '–' : <AccountLink accountId={entry.accountId} />,
            <Instant at={entry.startedAt} to="second" />,
            <Name>{entry.actor}</Name>,
            <>
              <State entry={entry} /> <Name>{entry.message ?? ''}</Name>
            </>,
          ])}
          empty="Nothing was done yet."
        />
        <Pages {...entries} perPage={ACTIONS_PER_PAGE} linkTo={(from) => `?from=${from}`} />
      </section>
    </Page>
  );
}

/** What came of the action somebody just asked for. */
export function Outcome({ entry }: { readonly entry: AuditEntry }): VNode {
  const tone = entry.state === 'done' ? 'good' : 'bad';
  const message = entry.message ?? 'It is under way; its outcome is written down under Actions.';
  return (
    <p class={`alert ${tone}`} role="status">
      <Name>{entry.state === 'refused' ? `Not done: ${withStop(message)}` : message}</Name>
    </p>
  );
}

function State({ entry: { state } }: { readonly entry: AuditEntry }): VNode {
  if (state === 'done') return <Badge tone="good">done</Badge>;
  if (state === 'refused') return <Badge tone="bad">not done</Badge>;
  return <Badge tone="warn">{state}</Badge>;
}

/** In the order they are asked for. */
const DETAILS = ['amount', 'source', 'event', 'replicas', 'size', 'time', 'reason'];

function detailsOf({ details }: AuditEntry): string {
  if (typeof details !== 'object' || details === null) return '';
  return Object.entries(details)
    .filter(([key, value]) => value !== '' && key !== 'digest')
    .toSorted(([a], [b]) => DETAILS.indexOf(a) - DETAILS.indexOf(b))
    .map(([key, value]) =>
      key === 'amount' ? formatCents(BigInt(String(value))) : `${key}: ${String(value)}`,
    )
    .join(', ');
}
