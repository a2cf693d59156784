import type { VNode } from 'preact';
import type { ArchivedPart } from '../../../invoicing/explaining/archived-part.ts';
import { Page } from '../../html/page.tsx';
import { Pages, Section, Table } from '../../html/parts.tsx';
import { Badge, Instant, isolated, Money, Name, plural } from '../../html/text.tsx';
import { accountPath, invoicePath } from '../../paths.ts';
import type { Viewer } from '../../session/guard.ts';
import { ActionForm, titleOf } from '../actions/action-forms.tsx';
import { SCOPE_OF, type ActionKind } from '../actions/actions.ts';
import { ACCOUNTS_PER_PAGE, type FoundAccount } from './accounts-store.ts';
import { Outcome } from '../actions/audit-page.tsx';
import type { AuditEntry } from '../actions/audit-store.ts';
import { AccountLink } from '../account-link.tsx';
import type { Slice } from '../slice.ts';
import { HAPPENINGS_PER_PAGE, type Happening } from './timeline-store.ts';

export function SearchPage({
  text,
  found,
  viewer,
}: {
  readonly text: string;
  /** One more than are shown when there are more. */
  readonly found: readonly FoundAccount[];
  readonly viewer: Viewer;
}): VNode {
  const shown = found.slice(0, ACCOUNTS_PER_PAGE);
  const next = new URLSearchParams({ q: text, after: shown.at(-1)?.accountId ?? '' });
  return (
    <Page title="Accounts" viewer={viewer} here="/operator/accounts">
      <h1>Accounts</h1>
      <section>
        <form method="get" class="row" role="search">
          <label>
            Id or e-mail address, or how it begins
            <input name="q" type="search" value={text} />
          </label>
          <button>Search</button>
        </form>
        <Table
          label="Accounts found"
          columns={[
            { title: 'Account' },
            { title: 'E-mail' },
            { title: 'Signed up' },
            { title: 'State' },
          ]}
          rows={shown.map((row) => [
            <AccountLink accountId={row.accountId} />,
            <Name>{row.email}</Name>,
            <Instant at={row.signedUpAt} to="day" />,
            <States of={row} />,
          ])}
          empty="No account is found."
        />
        {found.length > shown.length ? (
          <p class="links">
            <a href={`?${next}`}>More</a>
          </p>
        ) : null}
      </section>
    </Page>
  );
}

function States({ of }: { readonly of: FoundAccount }): VNode {
  return (
    <>
      <Badge tone={of.upgradedAt === null ? 'plain' : 'good'}>
        {of.upgradedAt === null ? 'FREE' : 'STANDARD'}
      </Badge>{' '}
      {of.pastDueSince === null ? null : <Badge tone="bad">past due</Badge>}{' '}
      {of.deletedAt === null ? null : <Badge tone="plain">deleted</Badge>}
    </>
  );
}

export type ShownAccount = {
  readonly account: FoundAccount;
  readonly timeline: Slice<Happening>;
  readonly archived: ArchivedPart | undefined;
  readonly done: AuditEntry | undefined;
  /** Chosen in the timeline, for the form that supersedes it. */
  readonly chosen: { readonly source: string; readonly event: string } | undefined;
};

/** An account's history, and what can be done to it. */
export function AccountPage({
  shown: { account, timeline, archived, done, chosen },
  viewer,
}: {
  readonly shown: ShownAccount;
  readonly viewer: Viewer;
}): VNode {
  const { accountId, email } = account;
  return (
    <Page title={`Account ${isolated(accountId)}`} viewer={viewer} here="/operator/accounts">
      <h1>
        <Name>{accountId}</Name> <States of={account} />
      </h1>
      <p class="note">
        <Name>{email}</Name>, signed up <Instant at={account.signedUpAt} /> UTC ·{' '}
        <a href={accountPath(accountId)}>bill, card and invoices</a>
      </p>
      {done === undefined ? null : <Outcome entry={done} />}
      <Section title="Timeline" id="timeline">
        <Table
          label="What happened, the latest first"
          columns={[
            { title: 'What' },
            { title: 'Details' },
            { title: 'When (UTC)' },
            { title: 'Amount', align: 'right' },
            { title: 'Action' },
          ]}
          rows={timeline.rows.map((one) => [
            <What of={one} accountId={accountId} />,
            one.detail === null ? '' : <Name>{one.detail}</Name>,
            <Instant at={one.at} to="second" />,
            one.cents === null ? '' : <Money cents={one.cents} />,
            one.id === null || one.source === null || one.isSuperseded ? null : (
              <a
                href={`?source=${encodeURIComponent(one.source)}&event=${encodeURIComponent(one.id)}#supersede`}
              >
                supersede&nbsp;…
              </a>
            ),
          ])}
          empty="Nothing happened yet."
        />
        <Pages
          {...timeline}
          perPage={HAPPENINGS_PER_PAGE}
          linkTo={(from) => `?from=${from}#timeline`}
        />
        {archived === undefined ? null : <ArchivedNote archived={archived} />}
      </Section>
      <Actions account={account} chosen={chosen} viewer={viewer} />
    </Page>
  );
}

function ArchivedNote({ archived: { months } }: { readonly archived: ArchivedPart }): VNode {
  const events = months.reduce((sum, month) => sum + month.events, 0n);
  return (
    <p class="note">
      Not listed: {plural(events, 'event')} recorded until {months.at(-1)!.month}, now in the
      archive.
    </p>
  );
}

function What({
  of: { kind, what, isSuperseded, id },
  accountId,
}: {
  readonly of: Happening;
  readonly accountId: string;
}): VNode {
  if (kind === 'event') return <>{isSuperseded ? <del>{what}</del> : what}</>;
  if (kind === 'invoice' && id !== null) return <a href={invoicePath(accountId, id)}>{what}</a>;
  if (kind === 'payment') return <>{what}</>;
  return (
    <>
      {kind === 'action' ? titleOf(what) : what} <Badge tone="plain">{kind}</Badge>
    </>
  );
}

function Actions({
  account: { accountId, upgradedAt, deletedAt, isOwing },
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
        {may('collect') && isOwing ? (
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
