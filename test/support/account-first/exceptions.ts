import type { Finding } from './analyse.ts';

const DUE = 'looks for work that is due in any account';
const OPERATOR = 'an operator looks at all accounts';
const NIGHTLY = 'compares the books of all accounts, at night';
const BY_STRIPE_ID = "Stripe's news names no account";
const MONTH = 'a month is archived, settled or brought back for all accounts';
const OF_SOURCE = 'a source reports for many accounts';

/**
 * Statements that ask every node, by the function that sends them. Citus runs these: each node answers for its own
 * rows. None is on the way of one account's events, usage or invoice. The list may only shrink.
 */
export const ALL_ACCOUNTS: Readonly<Record<string, string>> = {
  'src/accounts/page-accounts.ts pageAccounts': OPERATOR,
  'src/accounts/signal-feed.ts listWaitingSignals':
    'the platform takes the signals of all accounts',
  'src/archive/archive-months.ts sealMonth': MONTH,
  'src/archive/carried.ts findCarried': MONTH,
  'src/archive/drop-month.ts takeOut': MONTH,
  'src/archive/restore-month.ts attach': MONTH,
  'src/archive/restore-month.ts forget': MONTH,
  'src/archive/settling/settle-accounts.ts settlePage': MONTH,
  'src/cli/bills/require-invoice.ts requireInvoiceById': 'an operator names an invoice only',
  'src/dunning/collect-due.ts findDue': DUE,
  'src/dunning/review-standing.ts reviewStanding': DUE,
  'src/http/v1/metrics.ts readFigures': OPERATOR,
  'src/invoicing/check-billed.ts findClosed': NIGHTLY,
  'src/invoicing/due-store.ts findDue': DUE,
  'src/invoicing/plan-corrections.ts planSome': DUE,
  'src/login/email-token.ts useToken': 'a link holds a token only',
  'src/login/login-store.ts accountsOf': 'who signs in says an e-mail address only',
  'src/metering/months.ts gatherMonth': 'a month is made for all accounts',
  'src/metering/months.ts prepareMonths': 'a month is made for all accounts',
  'src/metering/review-parked.ts reviewParked': DUE,
  'src/pages/operator/accounts/accounts-store.ts select': OPERATOR,
  'src/pages/operator/actions/audit-store.ts listActions': OPERATOR,
  'src/pages/operator/day/day-store.ts listDrift': OPERATOR,
  'src/pages/operator/day/day-store.ts listSignals': OPERATOR,
  'src/pages/operator/day/day-store.ts listUnpaid': OPERATOR,
  'src/pages/operator/day/day-store.ts readDay': OPERATOR,
  'src/pages/operator/events/events-store.ts listParked': OPERATOR,
  'src/platform/access.ts findShared': 'what is shared with an e-mail address, whoever owns it',
  'src/pricing/change-price-books.ts isBilledBy': 'a price book is for all accounts',
  'src/proof/check-sample.ts checkSample': NIGHTLY,
  'src/proof/seal-events.ts findUnsealed': DUE,
  'src/sources/silence/silence-ends.ts accountsOfEnds': OF_SOURCE,
  'src/sources/silence/unconfirmed.ts endFlags': OF_SOURCE,
  'src/sources/snapshots/held-store.ts findHeld': OF_SOURCE,
  'src/sources/snapshots/apply-snapshot.ts refuseSettled': OF_SOURCE,
  'src/stripe/checks/check-books.ts checkBooks': NIGHTLY,
  'src/stripe/checks/check-invoices.ts findExpected': NIGHTLY,
  'src/stripe/checks/check-invoices.ts loadBooks': NIGHTLY,
  'src/stripe/checks/check-money.ts isBooked': NIGHTLY,
  'src/stripe/checks/check-money.ts isNoted': NIGHTLY,
  'src/stripe/checks/check-refunds.ts checkRefunds': NIGHTLY,
  'src/stripe/checks/reconcile.ts resolveGone': NIGHTLY,
  'src/stripe/drift.ts findUnresolvedDrift': OPERATOR,
  'src/stripe/issue/issue-due.ts findUnfinished': DUE,
  'src/stripe/news/routes.ts': BY_STRIPE_ID,
  'src/stripe/news/sync-customer.ts': BY_STRIPE_ID,
  'src/stripe/news/sync-customer.ts syncCustomer': BY_STRIPE_ID,
  'src/stripe/news/sync-invoice.ts isByHand': BY_STRIPE_ID,
  'src/stripe/news/sync-invoice.ts isSettled': BY_STRIPE_ID,
  'src/stripe/refunds/run-refund.ts findPlanned': DUE,
};

export function isKnown(sender: string, finding: Finding): boolean {
  return finding === 'all accounts' && sender in ALL_ACCOUNTS;
}
