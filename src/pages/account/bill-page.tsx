import type { VNode } from 'preact';
import { Page } from '../html/page.tsx';
import { Section, Tile } from '../html/parts.tsx';
import {
  Badge,
  formatDay,
  Instant,
  isolated,
  Money,
  Name,
  plural,
  withStop,
} from '../html/text.tsx';
import { accountPath, operatorAccountPath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';
import { CostChart } from './charts/cost-chart.tsx';
import { Credits, Card } from './money-sections.tsx';
import { FreeTier } from './free-tier.tsx';
import { Invoices } from './invoices/invoice-list.tsx';
import { LevelChart } from './charts/level-chart.tsx';
import type { Bill } from './load-bill.ts';
import { QuoteBox, type QuoteAnswer } from './quote-box.tsx';
import { Resources } from './resources.tsx';
import { coloursOf } from './charts/shown-series.ts';
import { UnconfirmedNote } from './unconfirmed.tsx';

/** What an account uses, what it costs and will cost, and all its invoices. */
export function BillPage({
  bill,
  viewer,
  notice,
  quote,
}: {
  readonly bill: Bill;
  readonly viewer: Viewer;
  readonly notice: string | undefined;
  readonly quote: QuoteAnswer;
}): VNode {
  const { account, at } = bill;
  const isDeleted = account.deletedAt !== undefined && account.deletedAt <= at;
  return (
    <Page title={`Bill of ${isolated(account.id)}`} viewer={viewer} here={accountPath(account.id)}>
      <Head bill={bill} viewer={viewer} />
      {notice === undefined ? null : (
        <p class="alert good" role="status">
          {notice} <a href="?#card">Look again</a>
        </p>
      )}
      <UnconfirmedNote times={bill.unconfirmed} open="now" />
      {isDeleted ? null : <RunningPeriod bill={bill} quote={quote} />}
      <div class="columns">
        <Card bill={bill} viewer={viewer} />
        <Credits bill={bill} />
      </div>
      <Section title="Invoices" id="invoices">
        <Invoices bill={bill} />
      </Section>
    </Page>
  );
}

function RunningPeriod({
  bill,
  quote,
}: {
  readonly bill: Bill;
  readonly quote: QuoteAnswer;
}): VNode {
  const { soFar, forecast, daily } = bill;
  return (
    <>
      <Figures bill={bill} />
      {forecast.lines.length > 0 ? (
        <Section title="Cost per day">
          <CostChart daily={daily} />
        </Section>
      ) : null}
      {bill.tier === 'FREE' ? <FreeTier bill={bill} /> : null}
      <Section
        title="What runs"
        id="levels"
        aside={
          bill.levelHistory === undefined ? (
            <a class="no-print" href="?levels=1#levels">
              Show what ran when
            </a>
          ) : undefined
        }
      >
        {bill.levelHistory === undefined ? null : (
          <LevelChart
            history={bill.levelHistory}
            window={{ from: soFar.period.start, to: soFar.countedTo }}
            colours={coloursOf(daily.series)}
          />
        )}
        <Resources bill={bill} />
      </Section>
      <Section title="What would it cost?" id="quote">
        <QuoteBox bill={bill} answer={quote} />
      </Section>
    </>
  );
}

function Head({
  bill: { account, tier, soFar, pastDueSince, owed, card },
  viewer,
}: {
  readonly bill: Bill;
  readonly viewer: Viewer;
}): VNode {
  return (
    <>
      {viewer.accountId === undefined ? (
        <p class="crumbs no-print">
          <a href={operatorAccountPath(account.id)}>Timeline and actions</a>
        </p>
      ) : null}
      <h1>
        <Name>{account.id}</Name> <Badge tone={tier === 'FREE' ? 'plain' : 'good'}>{tier}</Badge>{' '}
        {account.deletedAt === undefined ? null : <Badge tone="bad">deleted</Badge>}
      </h1>
      <p class="note">
        <Name>{account.email}</Name> ·{' '}
        {account.deletedAt === undefined ? (
          <>
            billing period <Instant at={soFar.period.start} /> to <Instant at={soFar.period.end} />{' '}
            UTC, counted to <Instant at={soFar.countedTo} to="second" />
          </>
        ) : (
          <>
            deleted <Instant at={account.deletedAt} to="second" /> UTC; all it used is on its
            invoices
          </>
        )}
      </p>
      {pastDueSince === undefined ? null : (
        <p class="alert bad" role="alert">
          <Money cents={owed.cents} /> on {plural(owed.invoices, 'invoice')} could not be collected
          since <Instant at={pastDueSince} to="day" />:{' '}
          <Name>
            {withStop(card === undefined ? 'no card is set' : (owed.failure ?? 'not tried yet'))}
          </Name>{' '}
          {account.deletedAt === undefined ? (
            <>
              Please <a href="#card">set {card === undefined ? 'a card' : 'another card'}</a>; it is
              charged at once.
            </>
          ) : (
            "It can still be paid on the invoice's page at Stripe."
          )}
        </p>
      )}
    </>
  );
}

function Figures({ bill }: { readonly bill: Bill }): VNode {
  const { soFar, forecast, rate, credit, invoicesBefore } = bill;
  const latest = invoicesBefore === undefined ? bill.invoices.invoices[0] : undefined;
  const days = Number(soFar.period.end - soFar.period.start) / 86_400;
  return (
    <dl class="tiles">
      <Tile label="Used so far" value={<Money cents={soFar.totalCents} />}>
        since {formatDay(soFar.period.start)}, not charged yet
      </Tile>
      <Tile label="Run rate" value={<Money cents={rate.totalCents} />}>
        {days} days of what runs now
      </Tile>
      <Tile label="Forecast" value={<Money cents={forecast.totalCents} />}>
        by {formatDay(soFar.period.end)} if nothing changes
        {latest === undefined ? null : (
          <>
            ; the latest invoice was <Money cents={latest.totalCents} />
          </>
        )}
      </Tile>
      <Tile label="Credit" value={<Money cents={credit.cents} />}>
        used by the next invoices first
      </Tile>
    </dl>
  );
}
