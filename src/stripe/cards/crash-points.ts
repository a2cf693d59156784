import { OPERATION_MOMENTS } from '../operation.ts';

/** The calls of setting a card, in order; the last one only where it replaces another card. */
const CARD_STEPS = ['customer', 'card', 'attach', 'default_card', 'detach'];

export const checkoutCrashPoints: readonly string[] = OPERATION_MOMENTS.map(
  (moment) => `checkout:${moment}`,
);

/** Every point of setting a card at which a process may die; the crash test kills one at each. */
export const cardCrashPoints: readonly string[] = CARD_STEPS.flatMap((step) =>
  OPERATION_MOMENTS.map((moment) => `${step}:${moment}`),
);
