import type { Unconfirmed } from '../../sources/silence/unconfirmed.ts';
import { formatSecond } from '../../values/instant.ts';

export function unconfirmedToJson(times: readonly Unconfirmed[]) {
  return times.map(({ source, from, to }) => ({
    source,
    from: formatSecond(from),
    to: to === undefined ? null : formatSecond(to),
  }));
}
