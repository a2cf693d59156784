import { formatInstant, formatSecond, type Second } from '../values/instant.ts';
import type { Event } from './event.ts';

/** Why an event was not taken: the field, its value as JSON ('' when missing), and what would be right. */
export type Refusal = {
  readonly code:
    | 'invalid_event'
    | 'id_reused'
    | 'account_exists'
    | 'before_sign_up'
    | 'database_of_other_app'
    | 'not_supersedable'
    | 'event_archived'
    | 'invalid_correction';
  readonly field: string;
  readonly value: string;
  readonly rule: string;
};

/** `data.replicas is 1.5; it must be a whole number from 0 to 1000` */
export function describeRefusal(refusal: Refusal): string {
  const found = refusal.value === '' ? 'is missing' : `is ${refusal.value}`;
  return `${refusal.field} ${found}; it ${refusal.rule}`;
}

/** Two different reports under one identity: the first stays (R57). */
export function idReused(event: Event): Refusal {
  const source = JSON.stringify(event.source);
  return {
    code: 'id_reused',
    field: 'id',
    value: JSON.stringify(event.id),
    rule: `must be new for source ${source}: an event with this id and other content is recorded already`,
  };
}

export function accountExists(event: Event, signedUpAt: Second): Refusal {
  return {
    code: 'account_exists',
    field: 'data.account',
    value: JSON.stringify(event.account),
    rule: `must be a new account: this one signed up at ${formatSecond(signedUpAt)} by another event`,
  };
}

export function beforeSignUp(event: Event, signedUpAt: Second): Refusal {
  return {
    code: 'before_sign_up',
    field: 'time',
    value: JSON.stringify(formatInstant(event.occurredAt)),
    rule: `must not be before the account's sign-up at ${formatSecond(signedUpAt)}`,
  };
}

export function databaseOfOtherApp(app: string, knownApp: string): Refusal {
  return {
    code: 'database_of_other_app',
    field: 'data.app',
    value: JSON.stringify(app),
    rule: `must be ${JSON.stringify(knownApp)}, the app this database belongs to`,
  };
}

export function notSupersedable(id: string, why: string): Refusal {
  return {
    code: 'not_supersedable',
    field: 'data.superseded_id',
    value: JSON.stringify(id),
    rule: `must name an event that can be superseded: ${why}`,
  };
}

/** What the bill of no period can depend on any more is settled, and its events may be archived. */
export function eventArchived(id: string): Refusal {
  return {
    code: 'event_archived',
    field: 'data.superseded_id',
    value: JSON.stringify(id),
    rule: 'must name an event that may still be corrected: this one is settled, and may be archived',
  };
}

export function invalidCorrection(
  field: 'time' | 'replicas' | 'size',
  value: string,
  rule: string,
): Refusal {
  return { code: 'invalid_correction', field: `data.instead.${field}`, value, rule };
}
