import { z } from 'zod';
import type { Unconfirmed } from '../../../sources/silence/unconfirmed.ts';
import { instant, toInstant } from '../schemas.ts';

export const unconfirmed = z
  .array(
    z
      .object({
        source: z.string(),
        from: instant,
        to: instant.nullable().meta({
          description:
            'when it was heard again; null: not yet, and of an invoice: not before that was made',
        }),
      })
      .meta({ id: 'Unconfirmed' }),
  )
  .meta({
    description:
      'times in which a source of policy `flag` was silent: what ran of it then is counted as it was last ' +
      'reported, and corrected should it report otherwise',
  });

export function unconfirmedToJson(times: readonly Unconfirmed[]): z.output<typeof unconfirmed> {
  return times.map(({ source, from, to }) => ({
    source,
    from: toInstant(from),
    to: to === undefined ? null : toInstant(to),
  }));
}
