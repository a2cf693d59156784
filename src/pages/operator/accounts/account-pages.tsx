import type { VNode } from 'preact';
import { Page } from '../html/page.tsx';
import { Section, Table } from '../html/parts.tsx';
import { Badge, Instant, Money, Name } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';
import { ActionForm } from './action-forms.tsx';
import { SCOPE_OF, type ActionKind } from './actions.ts';
import type { FoundAccount } from './accounts-store.ts';
import { Outcome } from './audit-page.tsx';
import type { AuditEntry } from './audit-store.ts';
import { AccountLink } from './day-page.tsx';
import type { Happening } from './timeline-store.ts';

export function SearchPage({
  text,
  found,
  viewer,
}: {
  readonly text: string;
  readonly found: readonly FoundAccount[];
  readonly viewer: Viewer;
}): VNode {
  return (
    <Page title="Accounts" viewer={viewer} here="/operator/accounts">
      <h1>Accounts</h1>
      <form method="get" class="row" role="search">
        <label>
          Id or e-mail address
          <input name="q" type="search" value={text} />
        </label>
        <button>Search</button>
      </form>
      <Table
        label="Accounts found"
        columns={[{ title: 'Account' }, { title: 'E-mail' }, { title: 'Signed up' }, { title: '' }]}
        rows={found.map((row) => [
          <AccountLink accountId={row.accountId} />,
          <Name>{row.email}</Name>,
          <Instant at={row.signedUpAt} to="day" />,
          <>
            <Badge tone={row.upgradedAt === null ? 'plain' : 'good'}>
              {row.upgradedAt === null ? 'FREE' : 'STANDARD'}
            </Badge>{' '}
            {row.pastDueSince === null ? null : <Badge tone="bad">past due</Badge>}{' '}
            {row.deletedAt === null ? null : <Badge tone="plain">deleted</Badge>}
          </>,
        ])}
        empty="No account is found."
      />
    </Page>
  );
}

export type ShownAccount = {
  readonly account: FoundAccount;
  readonly timeline: readonly Happening[];
  readonly done: AuditEntry | undefined;
  /** Chosen in the timeline, for the form that supersedes it. */
  readonly chosen: { readonly source: string; readonly event: string } | undefined;
};

/** An account's history, and what can be done to it. */
export function AccountPage({
  shown: { account, timeline, done, chosen },
  path,
  viewer,
}: {
  readonly shown: ShownAccount;
  readonly path: string;
  readonly viewer: Viewer;
}): VNode {
  const { accountId, email } = account;
  return (
    <Page title={`Account ${accountId}`} viewer={viewer} here="/operator/accounts">
      <h1>
        <Name>{accountId}</Name>{' '}
        <Badge tone={account.upgradedAt === null ? 'plain' : 'good'}>
          {account.upgradedAt === null ? 'FREE' : 'STANDARD'}
        </Badge>
        {account.pastDueSince === null ? null : <Badge tone="bad">past due</Badge>}
        {account.deletedAt === null ? null : <Badge tone="plain">deleted</Badge>}
      </h1>
      <p class="note">
        <Name>{email}</Name>, signed up <Instant at={account.signedUpAt} /> UTC ·{' '}
        <a href={accountPath(accountId)}>its bill</a>
      </p>
      {done === undefined ? null : <Outcome entry={done} />}
      <Section title="Timeline">
        <Table
          label="What happened, the latest first"
          columns={[
            { title: 'When' },
            { title: 'What' },
            { title: 'Details' },
            { title: 'Amount', align: 'right' },
            { title: '' },
          ]}
          rows={timeline.map((one) => [
            <Instant at={one.at} to="second" />,
            <>
              {one.isSuperseded ? <del>{one.what}</del> : one.what}{' '}
              {one.kind === 'event' ? null : <Badge tone="plain">{one.kind}</Badge>}
            </>,
            <span class="name">{one.detail ?? ''}</span>,
            one.cents === null ? '' : <Money cents={one.cents} />,
            one.eventId === null || one.source === null || one.isSuperseded ? null : (
              <a
                href={`${path}?source=${encodeURIComponent(one.source)}&event=${encodeURIComponent(one.eventId)}#supersede`}
              >
                supersede …
              </a>
            ),
          ])}
          empty="Nothing happened yet."
        />
      </Section>
      <Actions account={account} chosen={chosen} viewer={viewer} />
    </Page>
  );
}

function Actions({
  account: { accountId, upgradedAt, deletedAt },
  chosen,
  viewer,
}: Pick<ShownAccount, 'account' | 'chosen'> & { readonly viewer: Viewer }): VNode {
  const may = (kind: ActionKind): boolean => viewer.scopes.includes(SCOPE_OF[kind]);
  const values = { account: accountId };
  const money = [
    { name: 'amount', label: 'Dollars', hint: '10.00' },
    { name: 'reason', label: 'Reason', hint: 'outage on 3 March' },
  ];
  return (
    <>
      <div class="columns">
        {may('credit') ? (
          <Section title="Credit">
            <ActionForm kind="credit" values={values} fields={money} />
          </Section>
        ) : null}
        {may('refund') ? (
          <Section title="Money back">
            <ActionForm kind="refund" values={values} fields={money} />
          </Section>
        ) : null}
        {may('collect') && upgradedAt !== null ? (
          <Section title="Unpaid invoices">
            <p class="note">
              Tried by themselves on the days of the schedule, and when a card is set.
            </p>
            <ActionForm kind="collect" values={values} />
          </Section>
        ) : null}
        {may('upgrade') && upgradedAt === null && deletedAt === null ? (
          <Section title="Upgrade">
            <p class="note">Needs a card.</p>
            <ActionForm kind="upgrade" values={values} />
          </Section>
        ) : null}
      </div>
      {may('supersede') ? (
        <Section title="Supersede an event" id="supersede">
          <ActionForm
            kind="supersede"
            values={values}
            fields={[
              { name: 'source', label: 'Source', value: chosen?.source },
              { name: 'event', label: 'Event', value: chosen?.event },
              { name: 'reason', label: 'Reason', hint: 'reported by mistake' },
              { name: 'replicas', label: 'Replicas instead', isOptional: true },
              { name: 'size', label: 'Size instead', isOptional: true },
              {
                name: 'time',
                label: 'Time instead',
                isOptional: true,
                hint: '2026-01-10T00:00:00Z',
              },
            ]}
          />
        </Section>
      ) : null}
    </>
  );
}
