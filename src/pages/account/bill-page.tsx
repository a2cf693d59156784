import type { VNode } from 'preact';
import { Page } from '../html/page.tsx';
import { Section, Tile } from '../html/parts.tsx';
import { Badge, formatDay, Instant, Money, Name } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';
import { CostChart, coloursOf } from './cost-chart.tsx';
import { Credits, Card } from './money-sections.tsx';
import { FreeTier } from './free-tier.tsx';
import { Invoices } from './invoice-list.tsx';
import { LevelChart } from './level-chart.tsx';
import type { Bill } from './load-bill.ts';
import { QuoteBox, type QuoteAnswer } from './quote-box.tsx';
import { Resources } from './resources.tsx';
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
  const { account, soFar } = bill;
  const path = accountPath(account.id);
  const window = { from: soFar.period.start, to: soFar.countedTo };
  const hasCosts = bill.forecast.lines.length > 0;
  return (
    <Page title={`Bill of ${account.id}`} viewer={viewer} here={path}>
      <Head bill={bill} />
      {notice === undefined ? null : (
        <p class="alert good" role="status">
          {notice}
        </p>
      )}
      <UnconfirmedNote times={bill.unconfirmed} />
      <Figures bill={bill} />
      {hasCosts ? (
        <Section title="Cost per day">
          <CostChart daily={bill.daily} />
        </Section>
      ) : null}
      {bill.tier === 'FREE' ? <FreeTier bill={bill} /> : null}
      <Section
        title="What runs"
        id="levels"
        aside={
          bill.levelHistory === undefined ? (
            <a href={`${path}?levels=1#levels`}>Show what ran when</a>
          ) : undefined
        }
      >
        {bill.levelHistory === undefined ? null : (
          <LevelChart
            history={bill.levelHistory}
            window={window}
            colours={coloursOf(bill.daily.series)}
          />
        )}
        <Resources bill={bill} />
      </Section>
      <Section title="What would it cost?" id="quote">
        <QuoteBox bill={bill} answer={quote} />
      </Section>
      <div class="columns">
        <Card bill={bill} viewer={viewer} />
        <Credits bill={bill} />
      </div>
      <Section title="Invoices" id="invoices">
        <Invoices accountId={account.id} invoices={bill.invoices} />
      </Section>
    </Page>
  );
}

function Head({ bill: { account, tier, soFar, pastDueSince } }: { readonly bill: Bill }): VNode {
  return (
    <>
      <h1>
        <Name>{account.id}</Name> <Badge tone={tier === 'FREE' ? 'plain' : 'good'}>{tier}</Badge>
        {account.deletedAt === undefined ? null : <Badge tone="bad">deleted</Badge>}
      </h1>
      <p class="note">
        <Name>{account.email}</Name> · billing period <Instant at={soFar.period.start} /> to{' '}
        <Instant at={soFar.period.end} /> UTC, counted to{' '}
        <Instant at={soFar.countedTo} to="second" />
      </p>
      {pastDueSince === undefined ? null : (
        <p class="alert bad" role="alert">
          An invoice could not be paid since <Instant at={pastDueSince} to="day" />. Please set
          another card below: it is charged at once.
        </p>
      )}
    </>
  );
}

function Figures({ bill }: { readonly bill: Bill }): VNode {
  const { soFar, forecast, rate, creditCents } = bill;
  const days = Number(soFar.period.end - soFar.period.start) / 86_400;
  return (
    <dl class="tiles">
      <Tile label="Used so far" value={<Money cents={soFar.totalCents} />}>
        since {formatDay(soFar.period.start)}, not charged yet
      </Tile>
      <Tile label="Run rate" value={<Money cents={rate.totalCents} />}>
        for {days} days of what runs now
      </Tile>
      <Tile label="Forecast" value={<Money cents={forecast.totalCents} />}>
        by {formatDay(soFar.period.end)} if nothing changes
      </Tile>
      <Tile label="Credit" value={<Money cents={creditCents} />}>
        used by the next invoices first
      </Tile>
    </dl>
  );
}
