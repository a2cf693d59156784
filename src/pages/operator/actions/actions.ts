import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Scope } from '../../../accounts/api-key.ts';
import { requireAccount } from '../../../accounts/require-account.ts';
import { describeRefusal } from '../../../events/refusal.ts';
import { notYetInvoiced } from '../../../invoicing/previews/not-yet-invoiced.ts';
import { collectNow } from '../../../dunning/collect-due.ts';
import { grantCredit } from '../../../ledger/grant-credit.ts';
import { recordUpgrade } from '../../../platform/account-commands.ts';
import { upgradeAccount } from '../../../stripe/cards/upgrade-account.ts';
import { giveMoneyBack } from '../../../stripe/refunds/give-money-back.ts';
import { Fault } from '../../../values/fault.ts';
import { IDENTIFIER_RULE, isIdentifier } from '../../../values/identifier.ts';
import { formatSecond, parseInstant, toSecond } from '../../../values/instant.ts';
import { formatCents } from '../../../values/money.ts';
import type { PagesDependencies } from '../../dependencies.ts';
import { plural } from '../../html/text.tsx';
import { beginAction, endAction } from './audit-store.ts';
import { retryParked, retryQuarantined } from './retry-event.ts';

const name = (what: string) =>
  z.string().refine(isIdentifier, { error: `${what} must be ${IDENTIFIER_RULE}` });
export const DOLLARS = /^\d{1,6}(\.\d\d)?$/;
const amount = z
  .string()
  .trim()
  .regex(DOLLARS, 'the amount must be dollars such as 12 or 12.50')
  .transform((text) => {
    const [dollars = '', cents = '00'] = text.split('.');
    return BigInt(dollars + cents);
  })
  .refine((cents) => cents > 0n, 'the amount must be at least one cent');
const reason = name('the reason');
const empty = z.literal('').transform(() => undefined);
/** Empty: of an event that names none. */
const account = z.literal('').or(name('the account'));

/** What an operator can do, as its form sends it. */
export const actionForm = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('credit'), account, amount, reason }),
  z.object({ kind: z.literal('refund'), account, amount, reason }),
  z.object({ kind: z.literal('collect'), account }),
  z.object({ kind: z.literal('upgrade'), account }),
  z.object({
    kind: z.literal('supersede'),
    account,
    source: name('the source'),
    event: z.string().min(1, 'the id of the event must not be empty').max(1000),
    reason,
    time: empty
      .or(z.string().refine((text) => parseInstant(text), 'the time must be RFC 3339'))
      .optional(),
    replicas: empty.or(z.coerce.number().int('replicas must be a whole number').min(0)).optional(),
    size: empty.or(z.coerce.number()).optional(),
  }),
  z.object({
    kind: z.literal('retry_parked'),
    account,
    source: z.string(),
    event: z.string(),
  }),
  z.object({
    kind: z.literal('retry_quarantined'),
    account,
    /** As it names itself, for people to know it by. */
    source: z.string().max(400).optional(),
    event: z.string().max(400).optional(),
    digest: z.string().regex(/^[0-9a-f]{64}$/),
  }),
]);
export type Action = z.output<typeof actionForm>;
export type ActionKind = Action['kind'];

export const SCOPE_OF: Readonly<Record<ActionKind, Scope>> = {
  credit: 'billing',
  refund: 'billing',
  collect: 'billing',
  upgrade: 'billing',
  supersede: 'ingest',
  retry_parked: 'ingest',
  retry_quarantined: 'ingest',
};

/** Reads a form. @throws Fault `invalid_action` with what would be right. */
export function readAction(form: unknown): Action {
  const parsed = actionForm.safeParse(form);
  if (parsed.success) return parsed.data;
  throw new Fault('invalid', 'invalid_action', parsed.error.issues[0]!.message);
}

export function newActionId(): string {
  return `page-${randomUUID()}`;
}

type Deed = { readonly actionId: string; readonly actor: string; readonly action: Action };

/**
 * Does what a form asks for, written down before and after. The same form sent twice does it once. What is
 * refused is written down with its reason.
 */
export async function perform(dependencies: PagesDependencies, deed: Deed): Promise<void> {
  const { db, clock } = dependencies;
  const { actionId, actor, action } = deed;
  const { kind, account: accountId, ...details } = action;
  const entry = { accountId, actionId };
  const shown = Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, value === undefined ? '' : String(value)]),
  );
  const isNew = await beginAction(db, clock(), { ...entry, actor, kind, details: shown });
  if (!isNew) return;
  try {
    const message = await act(dependencies, deed);
    await endAction(db, clock(), entry, { state: 'done', message });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await endAction(db, clock(), entry, { state: 'refused', message: error.message });
  }
}

async function act(
  dependencies: PagesDependencies,
  { actionId, actor, action }: Deed,
): Promise<string> {
  const { db, clock, commands } = dependencies;
  const { account: accountId } = action;
  switch (action.kind) {
    case 'credit': {
      const { amount: amountCents, reason: why } = action;
      const grant = { accountId, creditId: actionId, amountCents, actor, reason: why };
      await grantCredit(db, clock(), grant);
      return `${formatCents(amountCents)} of credit is given.`;
    }
    case 'refund':
      return await refund(dependencies, actionId, actor, action);
    case 'collect':
      return await collect(dependencies, accountId);
    case 'upgrade':
      await upgradeAccount(
        { db, clock, recordUpgrade: async () => await recordUpgrade(commands, accountId) },
        accountId,
      );
      return 'The account is on the standard tier from now on.';
    case 'supersede':
      return await supersede(dependencies, actionId, actor, action);
    case 'retry_parked': {
      const event = { account: accountId, source: action.source, id: action.event };
      return await retryParked({ db, now: clock(), record: commands.record }, event);
    }
    case 'retry_quarantined': {
      const digest = Buffer.from(action.digest, 'hex');
      return await retryQuarantined({ db, now: clock(), record: commands.record }, digest);
    }
  }
}

type ActionOf<Kind extends ActionKind> = Extract<Action, { kind: Kind }>;

async function refund(
  { openStripe }: PagesDependencies,
  actionId: string,
  actor: string,
  { account: accountId, amount: amountCents, reason: why }: ActionOf<'refund'>,
): Promise<string> {
  const context = openStripe();
  const { clock } = context;
  const given = await giveMoneyBack(
    {
      ...context,
      notYetInvoiced: async (tx) =>
        await notYetInvoiced(tx, await requireAccount(tx, accountId), toSecond(clock())),
    },
    { accountId, moneyBackId: actionId, amountCents, actor, reason: why },
  );
  const parts = given.refunds.map(
    (one) => `${formatCents(one.amountCents)} refunded (${one.state})`,
  );
  const credit = given.creditCents > 0n ? [`${formatCents(given.creditCents)} as credit`] : [];
  return `${[...parts, ...credit].join(', ')}.`;
}

async function collect({ openStripe }: PagesDependencies, accountId: string): Promise<string> {
  const { tried, byState } = await collectNow(openStripe(), accountId);
  if (tried === 0) throw new Fault('conflict', 'nothing_open', 'no invoice of the account is open');
  const paid = byState['paid'] ?? 0;
  if (paid === tried) return `${plural(paid, 'invoice')} paid.`;
  const message = `${paid} of ${plural(tried, 'open invoice')} paid; the timeline says why`;
  if (paid === 0) throw new Fault('conflict', 'not_paid', message);
  return `${message}.`;
}

async function supersede(
  { db, clock, commands }: PagesDependencies,
  actionId: string,
  actor: string,
  { account: accountId, source, event, reason: why, time, replicas, size }: ActionOf<'supersede'>,
): Promise<string> {
  const instead = Object.fromEntries(
    Object.entries({ time, replicas, size }).filter(([, value]) => value !== undefined),
  );
  const now = clock();
  const report = {
    specversion: '1.0',
    id: actionId,
    source: 'gigameter-pages',
    type: 'event.superseded',
    time: formatSecond(toSecond(now)),
    data: {
      account: accountId,
      superseded_source: source,
      superseded_id: event,
      actor,
      reason: why,
      ...(Object.keys(instead).length === 0 ? {} : { instead }),
    },
  };
  // What is not taken leaves no trace: the operator looks at the reason and tries again.
  await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const outcome = (await commands.record(tx, now, [report]))[0]!;
      if (outcome.status === 'refused') {
        throw new Fault('invalid', outcome.refusal.code, describeRefusal(outcome.refusal));
      }
      if (outcome.status === 'parked') {
        throw new Fault('not_found', 'event_unknown', `there is no event ${event} from ${source}`);
      }
    });
  const isGone = Object.keys(instead).length === 0;
  return isGone ? 'The event counts no more.' : 'The event counts as corrected.';
}
