import { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import { toSecond } from '../../values/instant.ts';
import type { PageRoutes, PagesDependencies } from '../dependencies.ts';
import { sendPage } from '../html/page.tsx';
import { operatorAccountPath } from '../paths.ts';
import { requireOperator, requireScope, unknownPage, viewerOf } from '../session/guard.ts';
import { AccountPage, SearchPage, type ShownAccount } from './account-pages.tsx';
import { findAccountRow, searchAccounts } from './accounts-store.ts';
import { ConfirmPage } from './action-forms.tsx';
import { newActionId, perform, readAction, SCOPE_OF, type Action } from './actions.ts';
import { AuditPage } from './audit-page.tsx';
import { findAction, listActions } from './audit-store.ts';
import { DayPage, type ShownDay } from './day-page.tsx';
import {
  listDrift,
  listPastDue,
  listSignals,
  listStripeRates,
  readDay,
  readOverdue,
} from './day-store.ts';
import { EventsPage } from './events-page.tsx';
import { listParked, listQuarantined } from './events-store.ts';
import { listSilentSources } from './sources-store.ts';
import { readTimeline } from './timeline-store.ts';

/** Enough for one look; the API has the rest. */
const ROWS = 50;
const DAY_MS = 86_400_000;

const searchQuery = z.object({ q: z.string().trim().max(200).catch('') });
const accountParams = z.object({ account: z.string().min(1).max(200) });
const accountQuery = z.object({
  action: z.string().max(200).optional(),
  source: z.string().max(200).optional(),
  event: z.string().max(500).optional(),
});
const form = z.record(z.string(), z.string());
const postedAction = z.object({ action_id: z.string().regex(/^page-[0-9a-f-]{36}$/) });

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
      const { q } = searchQuery.parse(request.query);
      const found = await readAs(undefined, async (reads) => await searchAccounts(reads, q, ROWS));
      await sendPage(reply, <SearchPage text={q} found={found} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/accounts/:account', async (request, reply) => {
      const { account } = accountParams.parse(request.params);
      const query = accountQuery.parse(request.query);
      const shown = await readAs(
        undefined,
        async (reads) => await loadAccount(reads, account, query),
      );
      const path = operatorAccountPath(account);
      await sendPage(reply, <AccountPage shown={shown} path={path} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/events', async (request, reply) => {
      const { action } = accountQuery.parse(request.query);
      const account = z.object({ account: z.string().max(200).catch('') }).parse(request.query);
      const page = await readAs(undefined, async (reads) => ({
        parked: await listParked(reads, ROWS),
        quarantined: await listQuarantined(reads, ROWS),
        done: action && (await findAction(reads, account.account, action)),
      }));
      const done = page.done === '' ? undefined : page.done;
      await sendPage(reply, <EventsPage {...page} done={done} viewer={viewerOf(request)} />);
    });
    operator.get('/operator/actions', async (request, reply) => {
      const entries = await readAs(undefined, async (reads) => await listActions(reads, 2 * ROWS));
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
      const { action_id: actionId } = postedAction.parse(request.body);
      await perform(dependencies, { actionId, actor: viewerOf(request).actor, action });
      await reply.redirect(pathAfter(action, actionId), 303);
    });
  });

  async function loadDay({ queues }: PagesDependencies): Promise<ShownDay> {
    const now = clock();
    const since = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS);
    const read = await readAs(undefined, async (reads) => ({
      day: await readDay(reads, since),
      overdue: await readOverdue(reads, toSecond(now)),
      pastDue: await listPastDue(reads, ROWS),
      drift: await listDrift(reads, ROWS),
      silent: await listSilentSources(reads),
      signals: await listSignals(reads, 20),
      rates: await listStripeRates(reads),
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
  { action, source, event }: z.output<typeof accountQuery>,
): Promise<ShownAccount> {
  const account = await findAccountRow(db, accountId);
  if (account === undefined) throw unknownPage();
  return {
    account,
    timeline: await readTimeline(db, accountId, ROWS),
    done: action === undefined ? undefined : await findAction(db, accountId, action),
    chosen: source === undefined || event === undefined ? undefined : { source, event },
  };
}
