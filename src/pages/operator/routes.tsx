import { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import { findArchivedPart } from '../../invoicing/explaining/archived-part.ts';
import { isIdentifier } from '../../values/identifier.ts';
import type { PageRoutes, PagesDependencies } from '../dependencies.ts';
import { sendPage } from '../html/page.tsx';
import { operatorAccountPath } from '../paths.ts';
import { requireOperator, requireScope, unknownPage, viewerOf } from '../session/guard.ts';
import { AccountPage, SearchPage, type ShownAccount } from './accounts/account-pages.tsx';
import { findAccountRow, searchAccounts } from './accounts/accounts-store.ts';
import { ConfirmPage } from './actions/action-forms.tsx';
import { newActionId, perform, readAction, SCOPE_OF, type Action } from './actions/actions.ts';
import { AuditPage } from './actions/audit-page.tsx';
import { findAction, listActions } from './actions/audit-store.ts';
import { DayPage, type ShownDay } from './day/day-page.tsx';
import { listDrift, listSignals, listUnpaid, readDay } from './day/day-store.ts';
import { EventsPage } from './events/events-page.tsx';
import { listParked, listQuarantined } from './events/events-store.ts';
import { readTimeline } from './accounts/timeline-store.ts';

/** Enough for one look; what more there is is counted. */
const MOST_UNPAID = 15;
const MOST_DRIFT = 15;
const MOST_SIGNALS = 10;
const DAY_MS = 86_400_000;

/** Twice as long as an id may be: these are counted in halves of characters. */
const text = z
  .string()
  .max(400)
  // PostgreSQL's text holds none.
  .transform((given) => given.replaceAll('\0', ''))
  .catch('');
const actionIdText = z.string().regex(/^page-[0-9a-f-]{36}$/);
const from = z.coerce.number().int().min(0).max(100_000).catch(0);
const searchQuery = z.object({ q: text, after: text });
const accountParams = z.object({ account: z.string().refine(isIdentifier) });
const eventsQuery = z.object({
  account: text,
  action: actionIdText.optional(),
  parked: from,
  quarantined: from,
});
const accountQuery = z.object({
  from,
  action: actionIdText.optional(),
  source: z.string().max(400).optional(),
  event: z.string().max(1000).optional(),
});
const form = z.record(z.string(), z.string());
const postedAction = z.object({ action_id: actionIdText });

export const addOperatorPages: PageRoutes = (server, dependencies) => {
  const { clock, readAs } = dependencies;
  void server.register(async (operator) => {
    operator.addHook('onRequest', async (request) => {
      requireOperator(request);
      requireScope(request, 'read');
    });
    operator.get('/operator', async (request, reply) => {
      const shown = await loadDay(dependencies);
      await sendPage(reply, <DayPage shown={shown} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/accounts', async (request, reply) => {
      const { q, after } = searchQuery.parse(request.query);
      const asked = q.trim();
      const found = await readAs(
        undefined,
        async (reads) => await searchAccounts(reads, asked, after),
      );
      await sendPage(reply, <SearchPage text={asked} found={found} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/accounts/:account', async (request, reply) => {
      const { account } = accountParams.parse(request.params);
      const query = accountQuery.parse(request.query);
      const shown = await readAs(
        undefined,
        async (reads) => await loadAccount(reads, account, query),
      );
      await sendPage(reply, <AccountPage shown={shown} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/events', async (request, reply) => {
      const { account, action, parked, quarantined } = eventsQuery.parse(request.query);
      const page = await readAs(undefined, async (reads) => ({
        parked: await listParked(reads, parked),
        quarantined: await listQuarantined(reads, quarantined),
        done: action === undefined ? undefined : await findAction(reads, account, action),
      }));
      await sendPage(reply, <EventsPage {...page} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/actions', async (request, reply) => {
      const start = z.object({ from }).parse(request.query).from;
      const entries = await readAs(undefined, async (reads) => await listActions(reads, start));
      await sendPage(reply, <AuditPage entries={entries} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/confirm', async (request, reply) => {
      const action = readAction(request.query);
      requireScope(request, SCOPE_OF[action.kind]);
      const page = {
        action,
        form: form.parse(request.query),
        actionId: newActionId(),
        viewer: viewerOf(request),
      };
      await sendPage(reply, <ConfirmPage {...page} />);
    });
    operator.post('/operator/actions', async (request, reply) => {
      const action = readAction(request.body);
      requireScope(request, SCOPE_OF[action.kind]);
      const { action_id: id } = postedAction.parse(request.body);
      await perform(dependencies, { actionId: id, actor: viewerOf(request).actor, action });
      await reply.redirect(pathAfter(action, id), 303);
    });
  });

  async function loadDay({ queues }: PagesDependencies): Promise<ShownDay> {
    const now = clock();
    const since = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS);
    const read = await readAs(undefined, async (reads) => ({
      day: await readDay(reads, since, now),
      unpaid: await listUnpaid(reads, MOST_UNPAID),
      drift: await listDrift(reads, MOST_DRIFT),
      signals: await listSignals(reads, MOST_SIGNALS),
    }));
    return { ...read, now, since, queues: (await queues?.states()) ?? [] };
  }
};

/** Back to where it was asked for, to say what came of it. */
function pathAfter(action: Action, actionId: string): string {
  const { kind, account } = action;
  if (kind === 'retry_parked' || kind === 'retry_quarantined') {
    return `/operator/events?account=${encodeURIComponent(account)}&action=${actionId}`;
  }
  return `${operatorAccountPath(account)}?action=${actionId}`;
}

async function loadAccount(
  db: Db,
  accountId: string,
  { from: start, action, source, event }: z.output<typeof accountQuery>,
): Promise<ShownAccount> {
  const account = await findAccountRow(db, accountId);
  if (account === undefined) throw unknownPage();
  return {
    account,
    timeline: await readTimeline(db, accountId, start),
    archived: await findArchivedPart(db, accountId),
    done: action === undefined ? undefined : await findAction(db, accountId, action),
    chosen: source === undefined || event === undefined ? undefined : { source, event },
  };
}
