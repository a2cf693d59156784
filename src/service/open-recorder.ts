import type { Db } from '../database/pool.ts';
import { coalesced } from '../metering/coalesce.ts';
import {
  readAttempter,
  readRecorder,
  readReports,
  type RecordEvents,
  type Recording,
} from '../metering/record-events.ts';
import { noticing } from '../sources/heard.ts';

/** The way in of a whole process: what comes by queue and by HTTP shares commits. */
export function openRecorder(db: Db, recording: Recording): RecordEvents {
  return noticing(
    db,
    coalesced({
      read: async (now, reported) => await readReports(recording.parse, now, reported),
      attempt: readAttempter({ db, ...recording }),
      record: readRecorder({ db, ...recording }),
    }),
  );
}
