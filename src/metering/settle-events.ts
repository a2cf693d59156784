import { insertAccounts, type SignUp } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import { requirementOf } from '../events/admission.ts';
import { isEventOf, type Event, type EventOf } from '../events/event.ts';
import { DUPLICATE, RECORDED, type Outcome } from '../events/outcome.ts';
import {
  findWaiting,
  park,
  unpark,
  type Introduction,
  type ReportedEvent,
} from '../events/parking.ts';
import { quarantine } from '../events/quarantine.ts';
import { identityOf } from '../events/same-fact.ts';
import { classifyUnrecorded } from './classify.ts';
import { applyEffects } from './effects.ts';
import { recordBatch } from './record-batch.ts';
import { findHindrances } from './requirements.ts';

export type AfterRecording = (tx: Db, now: Date, recorded: readonly Event[]) => Promise<void>;

type Context = {
  readonly tx: Db;
  readonly now: Date;
  readonly afterRecording?: AfterRecording;
};
type Outcomes = ReadonlyMap<ReportedEvent, Outcome>;

/**
 * Records, parks or refuses each event and answers which, in order; then does the same with the parked
 * events whose account, app or database became known. Needs the lock of all their accounts.
 */
export async function settleEvents(
  context: Context,
  given: readonly ReportedEvent[],
): Promise<readonly Outcome[]> {
  const outcomes = new Map<ReportedEvent, Outcome>();
  const introductions: Introduction[] = [];
  for (const round of roundsOf(given)) {
    const settled = await settleRound(context, round);
    for (const [one, outcome] of settled.outcomes) outcomes.set(one, outcome);
    introductions.push(...settled.introductions);
  }
  await quarantineRefused(context, outcomes);
  const revived = await unpark(context.tx, introductions);
  if (revived.length > 0) await settleEvents(context, revived);
  return given.map((one) => outcomes.get(one)!);
}

/**
 * The order in which events are settled: facts that need nothing, facts about apps, facts about databases;
 * and of equal identities the first report before the others.
 */
function roundsOf(given: readonly ReportedEvent[]): readonly ReportedEvent[][] {
  const rounds = new Map<number, ReportedEvent[]>();
  const repetitions = new Map<string, number>();
  for (const one of given) {
    const identity = identityOf(one.event);
    const repetition = repetitions.get(identity) ?? 0;
    repetitions.set(identity, repetition + 1);
    const number = repetition * RANKS.length + rankOf(one.event);
    const round = rounds.get(number);
    if (round === undefined) rounds.set(number, [one]);
    else round.push(one);
  }
  return [...rounds.entries()].toSorted(([a], [b]) => a - b).map(([, round]) => round);
}

const RANKS = ['account', 'app', 'database', 'event'] as const;

function rankOf(event: Event): number {
  return RANKS.indexOf(requirementOf(event.fact)?.kind ?? 'account');
}

/** Settles events of one rank that all have different identities. */
async function settleRound(
  context: Context,
  round: readonly ReportedEvent[],
): Promise<{ readonly outcomes: Outcomes; readonly introductions: readonly Introduction[] }> {
  const { tx, now } = context;
  const repeatedCreations = await createAccounts(tx, round);
  const hindered = await findHindrances(tx, round);
  const ready = round.filter((one) => !repeatedCreations.has(one) && !hindered.has(one));
  const { notRecorded, repeated, awaitedApps } = await recordBatch(tx, now, ready.map(eventOf));
  const unrecorded = [
    ...repeatedCreations,
    ...ready.filter((_, position) => notRecorded.has(position) && !repeated.has(position)),
  ];
  const reasons = await classifyUnrecorded(tx, unrecorded.map(eventOf));
  const outcomes = new Map<ReportedEvent, Outcome>([
    ...ready.map((one, position) => [one, repeated.has(position) ? DUPLICATE : RECORDED] as const),
    ...unrecorded.map((one, index) => [one, reasons[index]!] as const),
    ...hindered,
  ]);
  const waiting = [...outcomes].flatMap(([one, outcome]) =>
    outcome.status === 'parked' ? [{ one, waitsFor: outcome.waitsFor }] : [],
  );
  const parked = await park(
    tx,
    now,
    waiting.map(({ one, waitsFor }) => ({ ...one, waitsFor })),
  );
  waiting.forEach(({ one }, index) => outcomes.set(one, parked[index]!));
  const fresh = ready.filter((_, position) => !notRecorded.has(position)).map(eventOf);
  const introductions = await applyEffects(tx, now, fresh);
  await context.afterRecording?.(tx, now, fresh);
  const known = awaitedApps.map(({ account, app }): Introduction => ({
    account,
    known: { kind: 'app', name: app },
  }));
  return { outcomes, introductions: [...introductions, ...known] };
}

function eventOf(one: ReportedEvent): Event {
  return one.event;
}

/** Creates the accounts of the round; answers the creations of accounts that existed already. */
async function createAccounts(
  tx: Db,
  round: readonly ReportedEvent[],
): Promise<ReadonlySet<ReportedEvent>> {
  const creations = round.filter(({ event }) => isEventOf('account.created')(event));
  if (creations.length === 0) return new Set();
  const waiting = await findWaiting(tx, creations.map(eventOf));
  const heard = creations.filter((_, index) => waiting[index] === undefined);
  const firstOf = new Map(heard.toReversed().map((one) => [one.event.account, one]));
  const created = await insertAccounts(
    tx,
    [...firstOf.values()].map(eventOf).filter(isEventOf('account.created')).map(signUpOf),
  );
  return new Set(
    heard.filter(
      (one) => firstOf.get(one.event.account) !== one || !created.has(one.event.account),
    ),
  );
}

function signUpOf({ account: id, occurredAt, fact }: EventOf<'account.created'>): SignUp {
  return { id, email: fact.email, signedUpAt: occurredAt.second };
}

async function quarantineRefused({ tx, now }: Context, outcomes: Outcomes): Promise<void> {
  const refused = [...outcomes].flatMap(([{ reported }, outcome]) =>
    outcome.status === 'refused' ? [{ reported, refusal: outcome.refusal }] : [],
  );
  await quarantine(tx, now, refused);
}
