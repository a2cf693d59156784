import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Outcome } from '../../../events/outcome.ts';
import { describeRefusal } from '../../../events/refusal.ts';
import type { RecordEvents } from '../../../metering/record-events.ts';
import type { Clock } from '../../../values/clock.ts';
import { Fault } from '../../../values/fault.ts';
import { problemOf, PROBLEM_TYPE } from '../../problem.ts';
import { EVENT_TYPES, EVENTS_BODY_BYTES, eventsBody, reportsIn } from './event-bodies.ts';
import { outcomesToJson, recordingResult, refusedProblem } from './event-outcomes.ts';
import { PROBLEMS } from '../schemas.ts';

/**
 * So many events of requests wait for their commit; then others are asked to come again, before the memory
 * grows. Some seconds of work.
 */
const MOST_WAITING = 20_000;

/** POST /v1/events: answered after commit, with what became of each event. */
export function eventRoutes({
  recordEvents,
  clock,
}: {
  readonly recordEvents: RecordEvents;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  let waiting = 0;
  const recordBounded = async (reports: readonly unknown[]): Promise<readonly Outcome[]> => {
    if (waiting + reports.length > MOST_WAITING) {
      const message = `${waiting} events wait to be recorded already: send these again in a second`;
      throw new Fault('limited', 'recorder_busy', message, 1);
    }
    waiting += reports.length;
    try {
      return await recordEvents(clock(), reports);
    } finally {
      waiting -= reports.length;
    }
  };
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/events',
      bodyLimit: EVENTS_BODY_BYTES,
      config: { scope: 'ingest' },
      // The recorder checks event by event: one bad event must not cost the others of its batch.
      validatorCompiler: () => (value: unknown) => ({ value }),
      schema: {
        operationId: 'recordEvents',
        tags: ['Events'],
        summary: 'Report one event or a batch',
        description:
          'Answers once all that is taken is stored for good. Sending the same again changes nothing. ' +
          'A batch holds up to 500 events and 1 MB; its bad events are refused one by one. When no ' +
          'event at all is taken, the answer is a problem.',
        consumes: EVENT_TYPES,
        body: eventsBody,
        response: {
          200: recordingResult,
          422: {
            description: 'no event was taken',
            content: { [PROBLEM_TYPE]: { schema: refusedProblem } },
          },
          ...PROBLEMS,
        },
      },
      handler: async (request, reply) => {
        const reports = reportsIn(request.body, request.headers['content-type']);
        const outcomes = await recordBounded(reports);
        const result = outcomesToJson(reports, outcomes);
        if (result.refused < reports.length) return result;
        const problem = { ...problemOf(noneTaken(outcomes), request), ...result };
        return await reply.status(422).type(PROBLEM_TYPE).send(problem);
      },
    });
  };
}

function noneTaken(outcomes: readonly Outcome[]): Fault {
  const [first] = outcomes.flatMap((one) => (one.status === 'refused' ? [one.refusal] : []));
  const more = outcomes.length === 1 ? '' : ` (and ${outcomes.length - 1} more)`;
  return new Fault('invalid', first!.code, `${describeRefusal(first!)}${more}`);
}
