import { z } from 'zod';
import type { Outcome } from '../../../events/outcome.ts';
import { describeRefusal } from '../../../events/refusal.ts';
import { CAUSES } from '../../../sources/cause.ts';
import { problem } from '../schemas.ts';

const count = z.number().int().min(0);

const reason = z.object({
  code: z.string().meta({ description: 'stable, for programs', example: 'invalid_event' }),
  field: z.string().meta({ example: 'data.replicas' }),
  value: z.string().meta({ description: 'as JSON, shortened; empty when missing', example: '1.5' }),
  rule: z.string().meta({ example: 'must be a whole number from 0 to 1000' }),
  message: z.string(),
});

export const waitsFor = z.object({
  kind: z.string().meta({ description: 'account, app or database', example: 'app' }),
  name: z.string(),
});

export const cause = z.enum(CAUSES).meta({
  description:
    "why the meter reported it in the source's name: to agree with its snapshot, since it was silent, or " +
    'since it was heard again; absent where the source reported it itself',
});

const outcome = z
  .object({
    source: z.string().nullable(),
    id: z.string().nullable(),
    status: z.enum(['recorded', 'duplicate', 'parked', 'refused']),
    waits_for: waitsFor.optional().meta({ description: 'of a parked event' }),
    reason: reason.optional().meta({ description: 'of a refused event' }),
  })
  .meta({ id: 'EventOutcome' });

const counts = {
  recorded: count.meta({ description: 'new facts' }),
  duplicate: count.meta({ description: 'recorded before, with the same content' }),
  parked: count.meta({ description: 'kept until their account, app or database is known' }),
  refused: count.meta({ description: 'kept in quarantine, without effect' }),
  outcomes: z.array(outcome).meta({ description: 'in the order of the events' }),
};

export const recordingResult = z.object(counts).meta({ id: 'RecordingResult' });

export const refusedProblem = problem.extend(z.object(counts).partial().shape).meta({
  id: 'RefusedEventsProblem',
  description: 'no event was taken; without counts when none could be found in the body',
});

/** The counts, and what became of each event, in order. */
export function outcomesToJson(reports: readonly unknown[], outcomes: readonly Outcome[]) {
  const counted = { recorded: 0, duplicate: 0, parked: 0, refused: 0 };
  for (const { status } of outcomes) counted[status] += 1;
  return {
    ...counted,
    outcomes: outcomes.map((one, index) => ({ ...named.parse(reports[index]), ...toJson(one) })),
  };
}

function toJson(one: Outcome) {
  switch (one.status) {
    case 'recorded':
    case 'duplicate':
      return { status: one.status };
    case 'parked':
      return { status: one.status, waits_for: one.waitsFor };
    case 'refused': {
      const { refusal } = one;
      return { status: one.status, reason: { ...refusal, message: describeRefusal(refusal) } };
    }
  }
}

const name = z.string().nullable().catch(null);
/** As much of an event's name as was given. Made once: making a schema takes longer than recording an event. */
const named = z.object({ source: name, id: name }).catch({ source: null, id: null });
