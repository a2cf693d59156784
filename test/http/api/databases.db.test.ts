import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPlatform, type Member, type Platform } from './support/platform.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(async () => await platform.close());

async function withApp({ isUpgraded = false } = {}): Promise<Member & { app: string }> {
  const member = await platform.member();
  if (isUpgraded) await member.today.upgrade('tok_visa');
  return { ...member, app: await member.old.create() };
}

/** A member whose database the platform has made. */
async function withDatabase(given = {}): Promise<Member & { app: string; id: string }> {
  const member = await withApp(given);
  await member.old.createDatabase(member.app);
  const [{ id }] = await member.old.databases(member.app);
  const { accountId: account, app } = member;
  await platform.report('database.available', { account, app, database: id, size: 0.6 });
  return { ...member, id };
}

async function secondsOf({ old }: Pick<Member, 'old'>): Promise<[number, number][]> {
  const rows: { database_size: number; database_seconds: number }[] = await old.usage();
  return rows.map((row) => [row.database_size, row.database_seconds]);
}

test('create_database and databases: PENDING and free until the platform reports it available', async () => {
  const { old, today, app, accountId: account } = await withApp();
  await old.createDatabase(app);
  await platform.pass({ hours: 1 });
  const rows = await today.databases(app);
  const id = rows[0].id as string;
  const unknown = { host: null, port: null, username: null, password: null, database: null };
  const pending = { id, state: 'PENDING', size: 0.6, app_name: app, limited_at: null };
  expect(rows).toEqual([{ ...pending, ...unknown, url: null }]);
  expect(await old.usage()).toEqual([]);
  expect(await platform.signals(account)).toContain('database.create_requested');
  await platform.report('database.available', { account, app, database: id, size: 0.6 });
  await platform.pass({ seconds: 60 });
  expect(await old.databases(app)).toMatchObject([{ id, state: 'AVAILABLE' }]);
  expect(await secondsOf({ old })).toEqual([[0.6, 60]]);
});

test('connection fields are what the platform reported last', async () => {
  const { old, accountId, app, id } = await withDatabase();
  const connection = {
    host: 'db.example',
    port: 5432,
    username: 'user',
    password: 'secret',
    database: 'name',
    url: 'postgresql://user:secret@db.example:5432/name',
  };
  const { call, keys } = platform.api;
  const report = async (body: object) =>
    await call({
      method: 'PUT',
      url: `/v1/accounts/${accountId}/databases/${id}/connection`,
      key: keys.ingest,
      body,
    });
  expect(await report({ ...connection, host: 'old.example' })).toMatchObject({ status: 204 });
  expect(await report(connection)).toMatchObject({ status: 204, body: '' });
  expect(await old.databases(app)).toMatchObject([connection]);
  const refused = await report({ ...connection, password: 7 });
  expect(refused).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'body.password', message: 'must be a text' }] },
  });
  expect(refused.body.detail).not.toContain('7');
});

test('a size that does not exist is refused; none gives 0.6', async () => {
  const { old, today, app } = await withApp({ isUpgraded: true });
  const rule = 'must be one of 0.6, 1.7, 4, 8, 16, 32, 64, 128';
  for (const size of [0.5, 1, 256, -1]) {
    await expect(old.createDatabase(app, size)).rejects.toThrow(rule);
  }
  await expect(old.createDatabase(app, '0.6' as unknown as number)).rejects.toThrow(rule);
  await today.terminal.expect(201, {
    method: 'POST',
    path: `/api/apps/${app}/databases`,
    json: {},
  });
  expect(await old.databases(app)).toMatchObject([{ size: 0.6 }]);
});

test('FREE has one database of size 0.6 over all apps; after the upgrade more', async () => {
  const { old, today, app } = await withDatabase();
  const second = await old.create();
  await expect(old.createDatabase(second)).rejects.toThrow(/limited to 1 database/);
  await expect(today.createFreeDatabase(second)).rejects.toThrow(/limited to 1 database/);
  await expect(old.createDatabase(app)).rejects.toThrow(/one at a time/);
  const fresh = await withApp();
  await expect(fresh.old.createDatabase(fresh.app, 1.7)).rejects.toThrow(/size 0\.6, not 1\.7/);
  await today.upgrade('tok_visa');
  await today.createDatabase(second, 1.7);
  await expect(today.createDatabase(second, 1.7)).rejects.toThrow(/one at a time/);
});

test('of databases asked for at once an app gets one', async () => {
  const { old, today, app } = await withApp({ isUpgraded: true });
  const asked = await Promise.allSettled(
    [old, today, old, today].map(async (cli) => await cli.createDatabase(app)),
  );
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await old.databases(app)).toHaveLength(1);
});

test('pg:create --free is for the free tier', async () => {
  const free = await withApp();
  expect(await free.today.createFreeDatabase(free.app)).toMatchObject({
    state: 'PENDING',
    size: 0.6,
    app_name: free.app,
  });
  const paid = await withApp({ isUpgraded: true });
  await expect(paid.today.createFreeDatabase(paid.app)).rejects.toMatchObject({
    status: 422,
    message: expect.stringContaining('only for accounts in the free tier'),
  });
});

test('scale_database counts from its acceptance; null leaves the size as it is', async () => {
  const { old, today, app, id, accountId } = await withDatabase({ isUpgraded: true });
  await platform.pass({ seconds: 10 });
  await old.scaleDatabase(app, id, 1.7);
  await platform.pass({ seconds: 20 });
  await today.scaleDatabase(app, id, null, 'enabled');
  await today.scaleDatabase(app, id, 4);
  await platform.pass({ seconds: 30 });
  expect(await secondsOf({ old })).toEqual([
    [0.6, 10],
    [1.7, 20],
    [4, 30],
  ]);
  expect(await old.databases(app)).toMatchObject([{ id, size: 4, state: 'AVAILABLE' }]);
  expect(await platform.signals(accountId)).toContain('database.resize_requested');
  await expect(today.scaleDatabase(app, id, null)).rejects.toThrow('Give a size.');
  await expect(today.scaleDatabase(app, id, 5)).rejects.toMatchObject({ status: 422 });
  await expect(today.scaleDatabase(app, 'no-such', 8)).rejects.toMatchObject({ status: 404 });
});

test('FREE: a resize is refused and changes nothing', async () => {
  const { old, app, id } = await withDatabase();
  await expect(old.scaleDatabase(app, id, 1.7)).rejects.toThrow(/size 0\.6, not 1\.7/);
  expect(await old.databases(app)).toMatchObject([{ size: 0.6 }]);
});

test('a database resized while it is being made has the new size from its beginning', async () => {
  const { old, today, app } = await withApp({ isUpgraded: true });
  await old.createDatabase(app);
  const [{ id }] = await old.databases(app);
  await today.scaleDatabase(app, id, 1.7);
  expect(await old.databases(app)).toMatchObject([{ size: 1.7, state: 'PENDING' }]);
});

test('delete_database ends the billing; the database stays listed; a new one may follow', async () => {
  const { old, today, app, id } = await withDatabase();
  await platform.pass({ seconds: 10 });
  await old.deleteDatabase(app, id);
  await platform.pass({ hours: 1 });
  expect(await secondsOf({ old })).toEqual([[0.6, 10]]);
  expect(await today.databases(app)).toMatchObject([{ id, state: 'DELETED', size: 0.6 }]);
  await expect(today.deleteDatabase(app, id)).rejects.toMatchObject({ status: 404 });
  await today.createFreeDatabase(app);
  const states = (await old.databases(app)).map(({ state }: { state: string }) => state);
  expect(states.toSorted()).toEqual(['DELETED', 'PENDING']);
});

test('a database deleted before it became available is billed for no second', async () => {
  const { old, today, app, accountId: account } = await withApp({ isUpgraded: true });
  await old.createDatabase(app, 1.7);
  const [{ id }] = await old.databases(app);
  await today.deleteDatabase(app, id);
  await platform.pass({ seconds: 30 });
  await platform.report('database.available', { account, app, database: id, size: 1.7 });
  await platform.pass({ hours: 1 });
  expect(await old.databases(app)).toMatchObject([{ id, state: 'DELETED' }]);
  expect(await old.usage()).toEqual([]);
});

test('databases that the platform reported by itself are listed as well', async () => {
  const { old, app, accountId: account } = await withApp();
  await platform.report('database.available', { account, app, database: 'own', size: 0.6 });
  expect(await old.databases(app)).toMatchObject([{ id: 'own', state: 'AVAILABLE' }]);
  await platform.report('database.deleted', { account, database: 'own' });
  expect(await old.databases(app)).toMatchObject([{ id: 'own', state: 'DELETED' }]);
});

test('limited_at shows since when a free database has too many rows, until the upgrade', async () => {
  const { old, today, app, id, accountId: account } = await withDatabase();
  const observe = async (rows: number): Promise<void> =>
    await platform.report('database.rows_observed', { account, database: id, rows });
  await observe(10_000);
  expect(await old.databases(app)).toMatchObject([{ limited_at: null }]);
  await observe(10_001);
  const at = `${platform.clock().toISOString().slice(0, 19)}.000+00:00`;
  expect(await old.databases(app)).toMatchObject([{ limited_at: at }]);
  await today.upgrade('tok_visa');
  expect(await old.databases(app)).toMatchObject([{ limited_at: null }]);
});
