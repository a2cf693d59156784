import { expect, test } from 'vitest';
import type { Change, Holdings } from '../../src/limits/holdings.ts';
import { newApp, reasonsAgainst } from '../../src/limits/rules.ts';

const FREE: Holdings = { tier: 'FREE', isConfirmed: true, apps: [], databases: [] };
const STANDARD: Holdings = { ...FREE, tier: 'STANDARD' };
const limits = { maxReplicas: 1000 };

function codes(holdings: Holdings, change: Change): string[] {
  return reasonsAgainst(holdings, change, limits).map(({ code }) => code);
}

const scale = (app: string, replicas: number, sizeTenths = 2): Change => ({
  kind: 'scale_app',
  app,
  replicas,
  sizeTenths,
});
const withApps = (...apps: [string, number, number?][]): Holdings => ({
  ...FREE,
  apps: apps.map(([app, replicas, sizeTenths = 2]) => ({ app, replicas, sizeTenths })),
});
const withDatabase = (holdings: Holdings, sizeTenths = 6): Holdings => ({
  ...holdings,
  databases: [{ database: 'db', app: 'web', sizeTenths }],
});

test('FREE runs one instance of size 0.2 over all apps, and no more', () => {
  expect(codes(FREE, scale('web', 1))).toEqual([]);
  expect(codes(FREE, scale('web', 0))).toEqual([]);
  expect(codes(withApps(['web', 1]), scale('web', 2))).toEqual(['free_instances']);
  expect(codes(withApps(['web', 1]), scale('worker', 1))).toEqual(['free_instances']);
  expect(codes(withApps(['web', 0]), scale('worker', 1))).toEqual([]);
});

test('FREE runs no other size than 0.2, also at 0 replicas', () => {
  expect(codes(FREE, scale('web', 1, 3))).toEqual(['free_app_size']);
  expect(codes(withApps(['web', 1]), scale('web', 1, 3))).toEqual(['free_app_size']);
  expect(codes(withApps(['web', 0]), scale('web', 0, 3))).toEqual(['free_app_size']);
  expect(codes(withApps(['web', 1]), scale('web', 2, 3))).toEqual([
    'free_app_size',
    'free_instances',
  ]);
});

test('what already exceeds a limit may be lowered, never raised', () => {
  const beyond = withApps(['web', 3, 5], ['worker', 1, 2]);
  expect(codes(beyond, scale('web', 2, 5))).toEqual([]);
  expect(codes(beyond, scale('web', 0, 5))).toEqual([]);
  expect(codes(beyond, scale('web', 3, 2))).toEqual([]);
  expect(codes(beyond, scale('web', 4, 5))).toEqual(['free_app_size', 'free_instances']);
  expect(codes(beyond, scale('web', 1, 6))).toEqual(['free_app_size']);
  expect(codes(beyond, scale('worker', 2))).toEqual(['free_instances']);
});

test('FREE has one database, of size 0.6', () => {
  const create = (app: string, sizeTenths = 6): Change => ({
    kind: 'create_database',
    app,
    sizeTenths,
  });
  expect(codes(FREE, create('web'))).toEqual([]);
  expect(codes(FREE, create('web', 17))).toEqual(['free_database_size']);
  expect(codes(withDatabase(FREE), create('worker'))).toEqual(['free_databases']);
  expect(codes(withDatabase(STANDARD), create('worker', 1280))).toEqual([]);
});

test('FREE databases are not resized; back to 0.6 they always may', () => {
  const resize = (sizeTenths: number): Change => ({
    kind: 'resize_database',
    database: 'db',
    sizeTenths,
  });
  expect(codes(withDatabase(FREE), resize(17))).toEqual(['free_database_size']);
  expect(codes(withDatabase(FREE), resize(6))).toEqual([]);
  expect(codes(withDatabase(FREE, 40), resize(6))).toEqual([]);
  expect(codes(withDatabase(STANDARD), resize(17))).toEqual([]);
});

test('an app has one database at a time, in every tier', () => {
  const second: Change = { kind: 'create_database', app: 'web', sizeTenths: 6 };
  expect(codes(withDatabase(STANDARD), second)).toEqual(['one_database_per_app']);
  expect(codes(withDatabase(FREE), second)).toEqual(['one_database_per_app', 'free_databases']);
});

test('an unconfirmed account creates no apps or databases, but may scale what it has', () => {
  const unconfirmed = { ...STANDARD, isConfirmed: false };
  expect(codes(unconfirmed, { kind: 'create_app' })).toEqual(['account_unconfirmed']);
  expect(codes(unconfirmed, { kind: 'create_database', app: 'web', sizeTenths: 6 })).toEqual([
    'account_unconfirmed',
  ]);
  expect(codes(unconfirmed, scale('web', 5, 10))).toEqual([]);
});

test('the cap on replicas holds in every tier', () => {
  expect(codes(STANDARD, scale('web', 1000, 160))).toEqual([]);
  expect(codes(STANDARD, scale('web', 1001))).toEqual(['too_many_replicas']);
});

test('every reason says what is allowed and what was wanted', () => {
  const [reason] = reasonsAgainst(withApps(['web', 1]), scale('web', 2), limits);
  expect(reason?.message).toMatch(/limited to 1 instance .* makes it 2\. Upgrade/);
});

test('a new app runs 1 × 0.2, or nothing while the free instance is taken', () => {
  const one = { replicas: 1, sizeTenths: 2 };
  expect(newApp({ tier: 'FREE', isInstanceTaken: false })).toEqual(one);
  expect(newApp({ tier: 'FREE', isInstanceTaken: true })).toEqual({ ...one, replicas: 0 });
  expect(newApp({ tier: 'STANDARD', isInstanceTaken: true })).toEqual(one);
});
