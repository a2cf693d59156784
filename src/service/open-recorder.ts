import type { Db } from '../database/pool.ts';
import { coalesced } from '../metering/coalesce.ts';
import {
  eventAttempter,
  eventRecorder,
  type RecordEvents,
  type Recording,
} from '../metering/record-events.ts';
import { noticing } from '../sources/heard.ts';

/** The way in of a whole process: what comes by queue and by HTTP shares commits. */
export function openRecorder(db: Db, recording: Recording): RecordEvents {
  const record = eventRecorder({ db, ...recording });
  const attempt = eventAttempter({ db, ...recording });
  return noticing(db, coalesced({ attempt, record }));
}
