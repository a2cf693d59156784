import type { Db } from '../database/pool.ts';
import { requirementOf } from '../events/admission.ts';
import type { Event } from '../events/event.ts';
import type { Outcome } from '../events/outcome.ts';
import { park, unpark, type Introduction, type ReportedEvent } from '../events/parking.ts';
import { quarantine } from '../events/quarantine.ts';
import { applyEffects } from './recording/effects.ts';
import { newEvent, type NewEvent } from './recording/new-event.ts';
import { recordBatch } from './recording/record-batch.ts';

/** `charged` are those of the recorded that are true when their account was in the STANDARD tier already. */
export type AfterRecording = (
  tx: Db,
  now: Date,
  recorded: readonly Event[],
  charged: ReadonlySet<Event>,
) => Promise<void>;

/** What a source reported, ready to be recorded. */
export type ReadEvent = ReportedEvent & NewEvent;

type Context = {
  readonly tx: Db;
  readonly now: Date;
  readonly afterRecording?: AfterRecording;
};

/**
 * Records, parks or refuses each event and answers which, in order; then does the same with the parked
 * events whose account, app or database became known. Needs the lock of all their accounts.
 */
export async function settleEvents(
  context: Context,
  given: readonly ReadEvent[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = Array.from({ length: given.length });
  const introductions: Introduction[] = [];
  for (const round of roundsOf(given)) {
    const settled = await settleRound(
      context,
      round.map((position) => given[position]!),
    );
    for (const [index, position] of round.entries()) outcomes[position] = settled.outcomes[index]!;
    introductions.push(...settled.introductions);
  }
  await quarantine(
    context.tx,
    context.now,
    outcomes.flatMap((outcome, position) =>
      outcome.status === 'refused'
        ? [{ reported: given[position]!.reported, refusal: outcome.refusal }]
        : [],
    ),
  );
  await settleParked(context, introductions);
  return outcomes;
}

/** Settles the events that waited for any of this. */
export async function settleParked(
  context: Context,
  introductions: readonly Introduction[],
): Promise<void> {
  const revived = (await unpark(context.tx, introductions)).map(
    ({ event, reported }): ReadEvent => ({
      ...newEvent(event),
      reported,
    }),
  );
  if (revived.length > 0) await settleEvents(context, revived);
}

/**
 * Positions in the order in which events are settled: sign-ups, facts that need no more than the account, facts
 * about apps, about databases, about other events; and of equal identities the first report before the others.
 */
function roundsOf(given: readonly ReadEvent[]): readonly number[][] {
  const rounds = new Map<number, number[]>();
  const repetitions = new Map<string, number>();
  for (const [position, { event, identityText }] of given.entries()) {
    const repetition = repetitions.get(identityText) ?? 0;
    repetitions.set(identityText, repetition + 1);
    const number = repetition * RANKS.length + rankOf(event);
    const round = rounds.get(number);
    if (round === undefined) rounds.set(number, [position]);
    else round.push(position);
  }
  return [...rounds.entries()].toSorted(([a], [b]) => a - b).map(([, round]) => round);
}

const RANKS = ['nothing', 'account', 'app', 'database', 'event'] as const;

function rankOf({ fact }: Event): number {
  if (fact.type === 'account.created') return RANKS.indexOf('nothing');
  return RANKS.indexOf(requirementOf(fact)?.kind ?? 'account');
}

type Settled = {
  readonly outcomes: readonly Outcome[];
  readonly introductions: readonly Introduction[];
};

/** Settles events of one rank that all have different identities. */
async function settleRound(context: Context, round: readonly ReadEvent[]): Promise<Settled> {
  const { tx, now } = context;
  const batch = await recordBatch(tx, now, round);
  const { outcomes, toPark, recorded, settled, charged, createdSeries } = batch;
  await park(
    tx,
    now,
    toPark.map(({ position, waitsFor }) => ({ one: round[position]!, waitsFor })),
  );
  const introductions = await applyEffects(tx, now, recorded);
  const counted = recorded.filter((event) => !settled.has(event));
  await context.afterRecording?.(tx, now, counted, charged);
  const apps = createdSeries.flatMap(({ meter, account, resource: name }): Introduction[] =>
    meter === 'app' ? [{ account, known: { kind: 'app', name } }] : [],
  );
  return { outcomes, introductions: [...introductions, ...apps] };
}
