import type { Requirement } from './admission.ts';
import type { Refusal } from './refusal.ts';

/** What became of one reported event. All but `refused` count as taken. */
export type Outcome =
  | { readonly status: 'recorded' }
  | { readonly status: 'duplicate' }
  | { readonly status: 'parked'; readonly waitsFor: Requirement }
  | { readonly status: 'refused'; readonly refusal: Refusal };

export const RECORDED: Outcome = { status: 'recorded' };
export const DUPLICATE: Outcome = { status: 'duplicate' };

export function refused(refusal: Refusal): Outcome {
  return { status: 'refused', refusal };
}
