import {
  traceEvent,
  type EventName,
  type TracedEvent,
} from '../../invoicing/explaining/trace-event.ts';
import type { Db } from '../../database/pool.ts';
import { Fault } from '../../values/fault.ts';
import { formatSecond } from '../../values/instant.ts';
import { printJson, type Output } from '../output.ts';

const CAUSES = {
  snapshot: "so that the meter agrees with the source's snapshot",
  silence: 'since the source was silent',
  heard_again: 'since the source was heard again',
} as const;

const BILLING = {
  open: 'its period is open',
  invoiced: 'billed by',
  corrected: 'it came after the invoice of its period; corrected by',
  late: 'it came after the invoice of its period; the next one corrects it',
  not_charged: 'not charged: its period was free, or it made no difference',
} as const;

/** `gigameter trace ACCOUNT SOURCE ID`: what became of an event, and which invoice counted it. */
export async function traceCommand(
  { db, output }: { readonly db: Db; readonly output: Output },
  name: EventName,
  options: { readonly json?: true },
): Promise<number> {
  const traced = await traceEvent(db, name);
  if (traced === undefined) {
    const message = `no event ${JSON.stringify(name.id)} of source ${JSON.stringify(name.source)} is known for account ${JSON.stringify(name.account)}`;
    throw new Fault('not_found', 'unknown_event', message);
  }
  if (options.json) printJson(output, toJson(name, traced));
  else output.data(toText(traced));
  return 0;
}

function toText({ recorded, archived, parked, refused }: TracedEvent): string {
  const lines: string[] = [];
  if (recorded !== undefined) {
    const { type, cause, occurredAt, recordedAt, isSuperseded, isTooLate, billing, invoiceId } =
      recorded;
    lines.push(
      `recorded    ${type} at ${formatSecond(occurredAt)}, on ${recordedAt.toISOString()}`,
    );
    if (cause !== undefined) lines.push(`cause       ${cause}: ${CAUSES[cause]}`);
    if (isTooLate) lines.push('too late    what it is about was settled: it counts nowhere');
    else if (isSuperseded) lines.push('superseded  a later event says that it is not true');
    if (!isTooLate)
      lines.push(
        `billing     ${BILLING[billing]}${invoiceId === undefined ? '' : ` ${invoiceId}`}`,
      );
  }
  if (archived !== undefined) {
    const { recordedAt, month, file } = archived;
    lines.push(`archived    with ${month} in ${file}; recorded on ${recordedAt.toISOString()}`);
  }
  if (parked !== undefined)
    lines.push(`parked      until ${parked.waitsFor} ${parked.name} is known`);
  for (const { field, value, rule } of refused) {
    lines.push(`refused     ${field} is ${value}; it ${rule}`);
  }
  return lines.join('\n');
}

function toJson(
  { account, source, id }: EventName,
  { recorded, archived, parked, refused }: TracedEvent,
) {
  return {
    account,
    source,
    id,
    recorded: recorded && {
      type: recorded.type,
      cause: recorded.cause ?? null,
      time: formatSecond(recorded.occurredAt),
      recorded_at: recorded.recordedAt.toISOString(),
      superseded: recorded.isSuperseded,
      billing: recorded.billing,
      invoice: recorded.invoiceId ?? null,
    },
    ...(archived === undefined
      ? {}
      : {
          archived: {
            recorded_at: archived.recordedAt.toISOString(),
            month: archived.month,
            file: archived.file,
          },
        }),
    parked: parked && { waits_for: parked.waitsFor, name: parked.name },
    refused: refused.map(({ code, field, value, rule }) => ({ code, field, value, rule })),
  };
}
