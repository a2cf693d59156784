import {
  APP_SIZE_RULE,
  DATABASE_SIZE_RULE,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../values/size.ts';
import { formatInstant, type Second } from '../values/instant.ts';
import { DERIVED_SOURCE, followingId, isDatabaseEnd } from './derived.ts';
import type { Correction, Event, EventOf, Fact } from './event.ts';
import { invalidCorrection, notSupersedable, type Refusal } from './refusal.ts';

/** What is true instead of a superseded event, nothing perhaps; or why it cannot be superseded so. */
export type Corrected =
  | { readonly ok: true; readonly instead: Event | undefined }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Decides whether an event may be superseded and what is true instead: the same event with the corrected
 * values, under an identity that follows from both.
 */
export function correctEvent(
  supersession: EventOf<'event.superseded'>,
  target: Event,
  context: { readonly isSuperseded: boolean; readonly signedUpAt: Second },
): Corrected {
  const why = hindranceOf(target, context.isSuperseded);
  if (why !== undefined) return { ok: false, refusal: notSupersedable(target.id, why) };
  const { instead } = supersession.fact;
  if (instead === undefined) return { ok: true, instead: undefined };
  const refusal = refusalOf(target.fact, instead, context.signedUpAt);
  if (refusal !== undefined) return { ok: false, refusal };
  const { account, sequence } = target;
  const event: Event = {
    account,
    source: DERIVED_SOURCE,
    id: followingId(target, 'instead', [supersession.source, supersession.id]),
    occurredAt: instead.occurredAt ?? target.occurredAt,
    sequence,
    fact: correctFact(target.fact, instead),
  };
  return { ok: true, instead: event };
}

function hindranceOf(target: Event, isSuperseded: boolean): string | undefined {
  const { fact } = target;
  if (isSuperseded) return 'this one is already; supersede what is true instead of it';
  if (fact.type === 'event.superseded') return 'report the true fact again instead';
  if (fact.type === 'account.created' || fact.type === 'account.deleted') {
    return "this one's instant anchors or ends the periods of its account";
  }
  if (isDatabaseEnd(target)) {
    return 'this one follows from another event, which may be superseded';
  }
  return undefined;
}

function refusalOf(fact: Fact, instead: Correction, signedUpAt: Second): Refusal | undefined {
  const { occurredAt, replicas, size } = instead;
  if (occurredAt !== undefined && occurredAt.second < signedUpAt) {
    const rule = "must not be before the account's sign-up";
    return invalidCorrection('time', JSON.stringify(formatInstant(occurredAt)), rule);
  }
  if (replicas !== undefined && !('replicas' in fact)) {
    return invalidCorrection('replicas', String(replicas), `is not a field of ${fact.type}`);
  }
  if (size === undefined) return undefined;
  const isDatabase = fact.type === 'database.available' || fact.type === 'database.resized';
  if (!('sizeTenths' in fact)) {
    return invalidCorrection('size', String(size), `is not a field of ${fact.type}`);
  }
  if (isDatabase ? isDatabaseSize(size) : isAppSize(size)) return undefined;
  const rule = `must be ${isDatabase ? DATABASE_SIZE_RULE : APP_SIZE_RULE}`;
  return invalidCorrection('size', String(size), rule);
}

function correctFact(fact: Fact, { replicas, size }: Correction): Fact {
  const sized =
    size === undefined || !('sizeTenths' in fact) ? fact : { ...fact, sizeTenths: toTenths(size) };
  return replicas === undefined || !('replicas' in sized) ? sized : { ...sized, replicas };
}
