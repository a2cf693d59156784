import { z } from 'zod';
import { identifier } from '../schemas.ts';

/** Stripe charges no more at once. */
const MOST_CENTS = 99_999_999;

/** An operator's decision about money; `id` makes repeating it harmless. */
export const moneyBody = z.strictObject({
  id: identifier.meta({
    description: 'yours: the same again changes nothing, another amount under it is refused',
    example: 'ticket-4711',
  }),
  amount_cents: z.number().int().min(1).max(MOST_CENTS).meta({ example: 1000 }),
  reason: identifier.meta({ description: 'kept with the entry', example: 'outage on 3 March' }),
});
