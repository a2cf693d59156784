import type { Unconfirmed } from '../../sources/silence/unconfirmed.ts';
import { formatSecond } from '../../values/instant.ts';

export function unconfirmedToJson(times: readonly Unconfirmed[]) {
  return times.map(({ source, from, to }) => ({
    source,
    from: formatSecond(from),
    to: to === undefined ? null : formatSecond(to),
  }));
}

/** A sentence for each time in which a flagged source said nothing; `open`: of one whose end is not known. */
export function unconfirmedToText(times: readonly Unconfirmed[], open = 'until now'): string[] {
  return times.map(({ source, from, to }) => {
    const until = to === undefined ? open : `to ${formatSecond(to)}`;
    return `Not confirmed: source ${JSON.stringify(source)} reported nothing from ${formatSecond(from)} ${until}; what ran of it is counted as it was last reported.`;
  });
}
