import type { EventType, Fact } from '../../src/events/event.ts';
import type { Report } from './reports.ts';

/** One valid report of each type, with the fact it states. */
export const VALID: readonly {
  readonly type: EventType;
  readonly data: Readonly<Record<string, unknown>>;
  readonly fact: Fact;
}[] = [
  {
    type: 'account.created',
    data: { account: 'acme', email: 'owner@example.com' },
    fact: { type: 'account.created', email: 'owner@example.com' },
  },
  {
    type: 'account.confirmed',
    data: { account: 'acme' },
    fact: { type: 'account.confirmed' },
  },
  { type: 'account.upgraded', data: { account: 'acme' }, fact: { type: 'account.upgraded' } },
  { type: 'account.deleted', data: { account: 'acme' }, fact: { type: 'account.deleted' } },
  {
    type: 'app.created',
    data: { account: 'acme', app: 'web' },
    fact: { type: 'app.created', app: 'web' },
  },
  {
    type: 'app.deployed',
    data: { account: 'acme', app: 'web', replicas: 1, size: 0.2 },
    fact: { type: 'app.deployed', app: 'web', replicas: 1, sizeTenths: 2 },
  },
  {
    type: 'app.scaled',
    data: { account: 'acme', app: 'web', replicas: 3, size: 2.3 },
    fact: { type: 'app.scaled', app: 'web', replicas: 3, sizeTenths: 23 },
  },
  {
    type: 'app.deleted',
    data: { account: 'acme', app: 'web' },
    fact: { type: 'app.deleted', app: 'web' },
  },
  {
    type: 'database.available',
    data: { account: 'acme', app: 'web', database: 'db1', size: 0.6 },
    fact: { type: 'database.available', app: 'web', database: 'db1', sizeTenths: 6 },
  },
  {
    type: 'database.resized',
    data: { account: 'acme', database: 'db1', size: 1.7 },
    fact: { type: 'database.resized', database: 'db1', sizeTenths: 17 },
  },
  {
    type: 'database.deleted',
    data: { account: 'acme', database: 'db1' },
    fact: { type: 'database.deleted', database: 'db1' },
  },
  {
    type: 'database.rows_observed',
    data: { account: 'acme', database: 'db1', rows: 10_001 },
    fact: { type: 'database.rows_observed', database: 'db1', rows: 10_001 },
  },
  {
    type: 'job.started',
    data: { account: 'acme', app: 'web', job: 'j1', size: 16 },
    fact: { type: 'job.started', app: 'web', job: 'j1', sizeTenths: 160 },
  },
  {
    type: 'job.finished',
    data: { account: 'acme', app: 'web', job: 'j1' },
    fact: { type: 'job.finished', app: 'web', job: 'j1' },
  },
];

/** A valid report of a type, with other attributes or data where given. */
export function validReport(
  type: EventType,
  changes: Readonly<Record<string, unknown>> = {},
  dataChanges: Readonly<Record<string, unknown>> = {},
): Report {
  const data = VALID.find((valid) => valid.type === type)!.data;
  return {
    specversion: '1.0',
    id: 'e-17',
    source: 'controller',
    type,
    time: '2026-01-10T00:00:00Z',
    data: { ...data, ...dataChanges },
    ...changes,
  };
}
