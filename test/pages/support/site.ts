import type { AddressInfo } from 'node:net';
import { closeDuePeriods } from '../../../src/invoicing/close-periods.ts';
import { grantCredit } from '../../../src/ledger/grant-credit.ts';
import { makeSignInLink } from '../../../src/login/sign-in-link.ts';
import { noteHeard } from '../../../src/sources/heard.ts';
import { beginSilences } from '../../../src/sources/silence/silence-store.ts';
import { expectSource } from '../../../src/sources/source-store.ts';
import { flagAccounts } from '../../../src/sources/silence/unconfirmed.ts';
import { recordDrift } from '../../../src/stripe/drift.ts';
import { setPaymentMethod } from '../../../src/stripe/cards/set-payment-method.ts';
import { issueDue } from '../../../src/stripe/issue/issue-due.ts';
import { reviewStanding } from '../../../src/dunning/review-standing.ts';
import { toSecond } from '../../../src/values/instant.ts';
import { openApi, type Api, type ApiOptions } from '../../http/support/api.ts';
import { reporter, type Report } from '../../support/reports.ts';

/** The service with something to look at, listening; its clock stands at 2026-02-22T16:40:00Z. */
export type Site = {
  readonly api: Api;
  readonly url: string;
  /** A fresh link for an account, or for an operator. */
  readonly link: (accountId?: string) => Promise<string>;
  /** Closes what is due, issues it, and hears what became of it. */
  readonly closeAndCollect: () => Promise<void>;
  readonly close: Api['close'];
};

/** Everything a name may hold that tends to break pages. */
export const NASTY = `<script>alert(1)</script>"'&amp; שלום‮abc ${'x'.repeat(150)}`.slice(0, 200);

export async function openSite(options: ApiOptions = {}): Promise<Site> {
  const api = await openApi(options);
  await tell(api);
  await api.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.server.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const { db, world } = api;
  return {
    api,
    url,
    link: async (accountId) => {
      const signIn = { accountId, actor: 'alice' };
      const { path } = await makeSignInLink(db, world.clock(), signIn);
      return `${url}${path}`;
    },
    closeAndCollect: async () => await closeAndCollect(api),
    close: api.close,
  };
}

/** An account nobody has heard of yet. */
const UNKNOWN = `${NASTY.slice(0, 60)} (2)`;

async function tell(api: Api): Promise<void> {
  const { db, world } = api;
  const acme = accountEvents('acme', 'owner@acme.example', [
    ['account.upgraded', '2026-01-10T09:00:00Z', {}],
    ['app.deployed', '2026-01-10T10:00:00Z', { app: 'web', replicas: 2, size: 1 }],
    ['app.deployed', '2026-01-14T10:00:00Z', { app: 'worker', replicas: 1, size: 0.5 }],
    ['database.available', '2026-01-15T12:00:00Z', { app: 'web', database: 'web-db', size: 1.7 }],
    ['app.scaled', '2026-01-25T08:30:00Z', { app: 'web', replicas: 3, size: 1 }],
    ['app.scaled', '2026-02-13T18:00:00Z', { app: 'web', replicas: 5, size: 1 }],
    ['app.scaled', '2026-02-14T07:00:00Z', { app: 'web', replicas: 3, size: 1 }],
    ['database.resized', '2026-02-18T00:00:00Z', { database: 'web-db', size: 4 }],
    ['app.scaled', '2026-02-19T12:00:00Z', { app: 'worker', replicas: 0, size: 0.5 }],
    ['app.deployed', '2026-02-20T06:00:00Z', { app: 'api', replicas: 2, size: 0.3 }],
  ]);
  const hobby = accountEvents('hobby', 'me@hobby.example', [
    ['account.confirmed', '2026-01-10T09:00:00Z', {}],
    ['app.deployed', '2026-01-10T10:00:00Z', { app: 'blog', replicas: 1, size: 0.2 }],
    ['database.available', '2026-01-11T00:00:00Z', { app: 'blog', database: 'blog-db', size: 0.6 }],
    ['database.rows_observed', '2026-02-20T00:00:00Z', { database: 'blog-db', rows: 8123 }],
  ]);
  const broke = accountEvents('broke', 'owner@broke.example', [
    ['account.upgraded', '2026-01-10T09:00:00Z', {}],
    ['app.deployed', '2026-01-10T10:00:00Z', { app: 'shop', replicas: 1, size: 2 }],
  ]);
  const nasty = accountEvents(NASTY, '"><img@evil.example', [
    ['account.upgraded', '2026-01-10T09:00:00Z', {}],
    ['app.deployed', '2026-01-10T10:00:00Z', { app: NASTY, replicas: 1, size: 1 }],
    ['database.available', '2026-01-11T00:00:00Z', { app: NASTY, database: NASTY, size: 0.6 }],
  ]);
  const gone = accountEvents('gone', 'owner@gone.example', [
    ['account.upgraded', '2026-01-10T09:00:00Z', {}],
    ['app.deployed', '2026-01-10T10:00:00Z', { app: 'web', replicas: 1, size: 1 }],
    ['account.deleted', '2026-01-31T12:00:00Z', {}],
  ]);
  const odd = reporter('"controller" <2>');
  const wrong = [
    odd('app.scaled', '2026-02-20T00:00:00Z', {
      account: 'acme',
      app: 'web',
      replicas: 1.5,
      size: 1,
    }),
    odd('app.scaled', '2026-02-20T00:00:00Z', {
      account: NASTY,
      app: NASTY,
      replicas: 1,
      size: 0.25,
    }),
    odd('database.resized', '2026-02-21T00:00:00Z', {
      account: 'acme',
      database: 'later-db',
      size: 4,
    }),
    odd('app.deployed', '2026-02-21T00:00:00Z', {
      account: UNKNOWN,
      app: NASTY,
      replicas: 1,
      size: 1,
    }),
  ];
  const told = [...acme, ...hobby, ...broke, ...nasty, ...gone, ...wrong];
  const isEarly = ({ time }: Report): boolean => time < '2026-02-10';
  await send(api, told.filter(isEarly));
  await grantCredit(db, world.clock(), {
    accountId: 'acme',
    creditId: 'ticket-1',
    amountCents: 1000n,
    actor: 'alice',
    reason: 'outage on 3 February',
  });
  const cards = { acme: 'tok_visa', broke: 'tok_chargeCustomerFail' };
  for (const [accountId, token] of Object.entries(cards)) {
    await setPaymentMethod(world.context, { accountId, source: { token } });
  }
  await world.pass({ hours: 12 * 24 + 15, seconds: 40 * 60 });
  await send(
    api,
    told.filter((event) => !isEarly(event)),
  );
  await closeAndCollect(api);
  // A source that should report every hour and was heard two hours ago; acme's bill says so.
  const before = new Date(world.clock().getTime() - 7_200_000);
  const silent = '"silent" <source>';
  await noteHeard(db, before, [silent]);
  await expectSource(db, before, { source: silent, expectedEverySeconds: 3600, policy: 'hold' });
  await beginSilences(db, world.clock());
  const beganAt = toSecond(before) + 3600n;
  await flagAccounts(db, { source: silent, beganAt }, ['acme']);
  await recordDrift(db, world.clock(), [
    {
      accountId: 'acme',
      driftId: 'paid-elsewhere',
      kind: 'payment_unknown_to_us',
      cents: 4200n,
      details: { payment_intent: 'pi_1' },
    },
  ]);
}

async function closeAndCollect({ db, world }: Api): Promise<void> {
  await closeDuePeriods(db, world.clock(), { graceSeconds: 0n, onFailure: console.error });
  await issueDue(world.context);
  await world.hear();
  await reviewStanding(world.context);
}

async function send(api: Api, body: readonly Report[]): Promise<void> {
  const answer = await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body });
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
}

type Told = readonly [type: string, time: string, data: Record<string, unknown>];

function accountEvents(account: string, email: string, told: readonly Told[]) {
  const report = reporter();
  const suffix = account.length;
  return [
    report('account.created', '2026-01-10T09:00:00Z', { account, email }),
    ...told.map(([type, time, data]) => report(type, time, { account, ...data })),
  ].map((event) => ({ ...event, id: `${event.id}-${suffix}` }));
}
