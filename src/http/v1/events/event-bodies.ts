import { z } from 'zod';
import { eventSchema } from '../../../events/schema.ts';
import { Fault } from '../../../values/fault.ts';

export const MOST_EVENTS = 500;
/** Room for 500 events of 2 kB; usual ones have 250 bytes. */
export const EVENTS_BODY_BYTES = 1024 * 1024;

const SINGLE = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
export const EVENT_TYPES = [SINGLE, BATCH, 'application/json'];

const REPLICAS_SHOWN = 1000;

/** For the documentation; what is taken is decided event by event, by the recorder. */
const event = eventSchema(REPLICAS_SHOWN).meta({
  id: 'Event',
  description: 'a CloudEvents 1.0 event; `data` by type',
});
export const eventsBody = z.union([event, z.array(event).min(1).max(MOST_EVENTS)]).meta({
  example: {
    specversion: '1.0',
    id: '17',
    source: 'controller',
    type: 'app.scaled',
    time: '2026-01-10T00:00:00Z',
    data: { account: 'acme', app: 'web', replicas: 3, size: 0.5 },
  },
});

/** The reports in a body: one, or a batch. @throws Fault when it is neither, empty, or too many. */
export function reportsIn(body: unknown, contentType: string | undefined): readonly unknown[] {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  const isBatch = Array.isArray(body);
  if ((type === SINGLE && isBatch) || (type === BATCH && !isBatch)) {
    const rule = type === SINGLE ? 'one event, not a batch' : 'an array of events';
    throw new Fault('invalid', 'invalid_request', `a body of type ${type} must be ${rule}`);
  }
  const reports: readonly unknown[] = isBatch ? body : [body];
  if (body === undefined || reports.length === 0) {
    throw new Fault('invalid', 'no_events', 'the body holds no event');
  }
  if (reports.length > MOST_EVENTS) {
    const message = `a batch may hold at most ${MOST_EVENTS} events, not ${reports.length}`;
    throw new Fault('invalid', 'too_many_events', message);
  }
  return reports;
}
