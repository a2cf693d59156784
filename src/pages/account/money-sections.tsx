import type { VNode } from 'preact';
import type { CreditEntry } from '../../ledger/page-credits.ts';
import { Section, Table } from '../html/parts.tsx';
import { Instant, Money, Name } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';
import type { Bill } from './load-bill.ts';

/** The card that is charged, as far as anybody may know it (R36), and the way to Stripe's page to set it. */
export function Card({
  bill: { account, card },
  viewer,
}: {
  readonly bill: Bill;
  readonly viewer: Viewer;
}): VNode {
  return (
    <Section title="Card" id="card">
      {card === undefined ? (
        <p class="empty">
          {account.upgradedAt === undefined
            ? 'No card is set. One is needed before an upgrade.'
            : 'No card is set: invoices cannot be collected.'}
        </p>
      ) : (
        <p>
          <span class="card-brand">{card.brand ?? 'card'}</span> •••• {card.last4 ?? '????'}
          {card.expMonth === null || card.expYear === null ? null : (
            <span class="note">
              {' '}
              good through {String(card.expMonth).padStart(2, '0')}/{card.expYear}
            </span>
          )}
        </p>
      )}
      {account.deletedAt === undefined ? (
        <>
          <form method="post" action={`${accountPath(account.id)}/checkout`}>
            <input type="hidden" name="csrf" value={viewer.csrfToken} />
            <button>{card === undefined ? 'Set a card at Stripe' : 'Replace it at Stripe'}</button>
          </form>
          <p class="note">The number goes to Stripe alone; we keep its brand and last digits.</p>
        </>
      ) : null}
    </Section>
  );
}

export function Credits({ bill: { credit } }: { readonly bill: Bill }): VNode {
  const { cents, latest } = credit;
  return (
    <Section title="Credit" id="credit">
      <Table
        label="What happened to the credit, the latest first"
        columns={[{ title: 'When' }, { title: 'What' }, { title: 'Amount', align: 'right' }]}
        rows={latest.map((entry) => [
          <Instant at={entry.recordedAt} to="day" />,
          <Name>{describe(entry)}</Name>,
          <Money cents={entry.amountCents} />,
        ])}
        foot={['Available', '', <Money cents={cents} />]}
        empty="No credit was given yet."
      />
    </Section>
  );
}

function describe({ kind, reason, amountCents }: CreditEntry): string {
  const what = kind.replaceAll('_', ' ');
  if (reason !== undefined) return `${what}: ${reason}`;
  return amountCents < 0n ? `${what} by an invoice` : what;
}
