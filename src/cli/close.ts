import { Fault } from '../values/fault.ts';
import { toSecond, type Second } from '../values/instant.ts';
import { counted } from '../values/text.ts';
import type { CloseReport, Services } from './context.ts';
import { instantOption } from './instant-option.ts';
import { printJson, type Output } from './output.ts';

/**
 * `gigameter close`: does by hand what the schedule does: closes every period that has ended (and waited for
 * its grace), freezes the invoices and takes them to Stripe. With `--until` only what ended by that instant.
 */
export async function closeCommand(
  {
    closeAndIssue,
    output,
    now,
  }: Pick<Services, 'closeAndIssue'> & { readonly output: Output; readonly now: Date },
  options: { readonly until?: string; readonly json?: true },
): Promise<number> {
  const until = closingInstant(options.until, now);
  const report = await closeAndIssue(now, until, (line) => output.note(line));
  if (options.json) printJson(output, report);
  else output.data(reportToText(report));
  return report.failures.length === 0 ? 0 : 1;
}

/** What has not happened yet must not be billed. */
function closingInstant(until: string | undefined, now: Date): Second {
  const at = instantOption('--until', until, now);
  if (at <= toSecond(now)) return at;
  const message = `--until is ${JSON.stringify(until)}; it must not be in the future`;
  throw new Fault('invalid', 'invalid_option', message);
}

function reportToText(report: CloseReport): string {
  return [
    `${counted(report.periods, 'period')} closed, ${counted(report.invoices, 'invoice')} frozen.`,
    ...report.failures.map(
      ({ account, reason }) => `account ${account} could not be closed: ${reason}`,
    ),
  ].join('\n');
}
