import { groupBy } from '../values/group.ts';
import { requirementOf, type Requirement } from './admission.ts';
import { databaseEndedWithApp } from './derived.ts';
import { correctEvent, type Corrected } from './correct-event.ts';
import { isEventOf, type Event, type EventOf } from './event.ts';
import { DUPLICATE, RECORDED, refused, type Outcome } from './outcome.ts';
import { accountExists, beforeSignUp, databaseOfOtherApp, idReused } from './refusal.ts';
import { identityOf, isSameFact } from './identity.ts';

export type AdmittedEvents = {
  /** What became of each event once all had arrived, in the order given. */
  readonly outcomes: readonly Outcome[];
  readonly byAccount: ReadonlyMap<string, AccountHistory>;
};

export type AccountHistory = {
  /** The events that count: recorded, not superseded, with those derived from them. */
  readonly events: readonly Event[];
  /** The app of each database, known even when the report that told it was superseded. */
  readonly appOfDatabase: ReadonlyMap<string, string>;
};

type KnownDatabase = { readonly account: string; readonly app: string; readonly database: string };

type State = {
  readonly signUps: Map<string, bigint>;
  readonly apps: Set<string>;
  readonly databases: Map<string, KnownDatabase>;
  readonly recorded: Map<string, Event>;
  /** Keep their identity while they wait (R57). */
  readonly waiting: Map<string, Event>;
  readonly superseded: Set<Event>;
  readonly outcomes: Map<Event, Outcome>;
};

/**
 * Decides in memory, for whole histories in their order of arrival, what the recorder decides in the
 * database. The two must agree.
 */
export function admitEvents(events: readonly Event[]): AdmittedEvents {
  const state: State = {
    signUps: new Map(),
    apps: new Set(),
    databases: new Map(),
    recorded: new Map(),
    waiting: new Map(),
    superseded: new Set(),
    outcomes: new Map(),
  };
  let waiting = events;
  let known: number;
  do {
    known = state.recorded.size;
    for (const event of waiting) admit(state, event);
    waiting = waiting.filter((event) => state.outcomes.get(event)?.status === 'parked');
  } while (state.recorded.size > known);
  const recorded = [...state.recorded.values()].filter((event) => !state.superseded.has(event));
  const counting = groupBy(
    [...recorded, ...derivedFrom(state, recorded)],
    ({ account }) => account,
  );
  const databases = groupBy(state.databases.values(), ({ account }) => account);
  return {
    outcomes: events.map((event) => state.outcomes.get(event)!),
    byAccount: new Map(
      [...counting].map(([account, ofAccount]) => {
        const own = databases.get(account) ?? [];
        const appOfDatabase = new Map(own.map(({ app, database }) => [database, app]));
        return [account, { events: ofAccount, appOfDatabase }];
      }),
    ),
  };
}

function admit(state: State, event: Event): void {
  const outcome = decide(state, event);
  state.outcomes.set(event, outcome);
  const { account, fact } = event;
  const identity = identityOf(event);
  if (outcome.status === 'parked') {
    if (!state.waiting.has(identity)) state.waiting.set(identity, event);
    return;
  }
  if (state.waiting.get(identity) === event) state.waiting.delete(identity);
  if (outcome.status !== 'recorded') return;
  state.recorded.set(identity, event);
  if (isSupersession(event)) supersede(state, event);
  if (fact.type === 'account.created') state.signUps.set(account, event.occurredAt.second);
  if (fact.type === 'database.available') {
    const { app, database } = fact;
    state.databases.set(nameOf(account, database), { account, app, database });
  } else if ('app' in fact && requirementOf(fact) === undefined) {
    state.apps.add(nameOf(account, fact.app));
  }
}

function decide(state: State, event: Event): Outcome {
  const { account, fact } = event;
  const first = state.recorded.get(identityOf(event));
  if (first !== undefined) return isSameFact(first, event) ? DUPLICATE : refused(idReused(event));
  const waiting = state.waiting.get(identityOf(event));
  if (waiting !== undefined && waiting !== event) {
    return isSameFact(waiting, event) ? state.outcomes.get(waiting)! : refused(idReused(event));
  }
  const signedUpAt = state.signUps.get(account);
  if (fact.type === 'account.created') {
    return signedUpAt === undefined ? RECORDED : refused(accountExists(event, signedUpAt));
  }
  if (signedUpAt === undefined) return parked({ kind: 'account', name: account });
  if (isSupersession(event)) return judge(state, event);
  const requirement = requirementOf(fact);
  if (requirement !== undefined && !isKnown(state, account, requirement)) {
    return parked(requirement);
  }
  if (fact.type === 'database.available') {
    const knownApp = state.databases.get(nameOf(account, fact.database))?.app ?? fact.app;
    if (knownApp !== fact.app) return refused(databaseOfOtherApp(fact.app, knownApp));
  }
  return event.occurredAt.second < signedUpAt ? refused(beforeSignUp(event, signedUpAt)) : RECORDED;
}

const isSupersession = isEventOf('event.superseded');

function judge(state: State, supersession: EventOf<'event.superseded'>): Outcome {
  const corrected = correctionBy(state, supersession);
  if (corrected === undefined) return parked(requirementOf(supersession.fact)!);
  return corrected.ok ? RECORDED : refused(corrected.refusal);
}

function supersede(state: State, supersession: EventOf<'event.superseded'>): void {
  const corrected = correctionBy(state, supersession);
  state.superseded.add(targetOf(state, supersession)!);
  if (corrected?.ok && corrected.instead !== undefined) {
    state.recorded.set(identityOf(corrected.instead), corrected.instead);
  }
}

function correctionBy(
  state: State,
  supersession: EventOf<'event.superseded'>,
): Corrected | undefined {
  const target = targetOf(state, supersession);
  if (target === undefined) return undefined;
  return correctEvent(supersession, target, {
    isSuperseded: state.superseded.has(target),
    signedUpAt: state.signUps.get(target.account)!,
  });
}

function targetOf(state: State, { account, fact }: EventOf<'event.superseded'>): Event | undefined {
  const { supersededSource: source, supersededId: id } = fact;
  return state.recorded.get(identityOf({ account, source, id }));
}

function parked(waitsFor: Requirement): Outcome {
  return { status: 'parked', waitsFor };
}

function isKnown(state: State, account: string, requirement: Requirement): boolean {
  const name = nameOf(account, requirement.name);
  return requirement.kind === 'app' ? state.apps.has(name) : state.databases.has(name);
}

function nameOf(account: string, name: string): string {
  return JSON.stringify([account, name]);
}

/** Databases end with their app (R56). */
function derivedFrom(state: State, recorded: readonly Event[]): Event[] {
  const byApp = groupBy(state.databases.values(), ({ account, app }) => nameOf(account, app));
  return recorded
    .filter(isEventOf('app.deleted'))
    .flatMap((deletion) =>
      (byApp.get(nameOf(deletion.account, deletion.fact.app)) ?? []).map(({ database }) =>
        databaseEndedWithApp(deletion, database),
      ),
    );
}
