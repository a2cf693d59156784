import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPlatform, type Member, type Platform } from './support/platform.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(async () => await platform.close());

/** A member with a deployed app, on the standard tier if wanted. */
async function withApp({ isUpgraded = false } = {}): Promise<Member & { app: string }> {
  const member = await platform.member();
  if (isUpgraded) await member.today.upgrade('tok_visa');
  const app = await member.old.create();
  const { accountId: account } = member;
  await platform.report('app.deployed', { account, app, replicas: 1, size: 0.2 });
  return { ...member, app };
}

async function eventsOf(accountId: string): Promise<string[]> {
  const rows = await platform.db
    .selectFrom('event')
    .select(['type', 'level'])
    .where('account_id', '=', accountId)
    .where('source', '=', 'gigameter-api')
    .where('type', 'not like', 'account.%')
    .orderBy('at')
    .orderBy('tie')
    .execute();
  return rows.map(({ type, level }) => (level === null ? type : `${type} ${level}`));
}

/** An error as the CLI prints it, word for word. */
const printed = (field: string, text: string): object => ({
  status: 422,
  message: JSON.stringify({ errors: { [field]: [text] } }),
});

test('create and apps: 1 × 0.2, and 0 replicas while the free instance is taken', async () => {
  const { old, today } = await platform.member();
  const first = await old.create();
  const second = await today.create('Second-App', { cloud: 'gcp', region: 'us', stack: '22' });
  expect(second).toBe('second-app');
  expect(await old.apps()).toEqual(
    [
      { name: first, size: 0.2, replicas: 1 },
      { name: 'second-app', size: 0.2, replicas: 0 },
    ].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  expect(await today.apps()).toEqual(await old.apps());
});

test('create: a name is given out once, over all accounts and for ever', async () => {
  const first = await platform.member();
  const second = await platform.member();
  await first.old.create('unique');
  const taken = printed('unique_name', 'has already been taken');
  await expect(first.today.create('unique')).rejects.toMatchObject(taken);
  await expect(second.old.create('unique')).rejects.toMatchObject(taken);
  await first.today.destroy('unique');
  await expect(second.old.create('unique')).rejects.toMatchObject(taken);
  await expect(first.old.create('unique')).rejects.toMatchObject(taken);
  await expect(second.old.create('No Name')).rejects.toThrow(/lower-case letters/);
});

test('two who want one name at once: one gets it', async () => {
  const members = await Promise.all([platform.member(), platform.member(), platform.member()]);
  const created = await Promise.allSettled(members.map(async ({ old }) => old.create('wanted')));
  expect(created.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('an app is not metered before it is deployed: scaling only changes what is desired', async () => {
  const { old, today, accountId } = await platform.member();
  const app = await old.create();
  await platform.pass({ hours: 1 });
  expect(await today.scale(app, { replicas: 0 })).toEqual({ replicas: 0, size: 0.2 });
  await old.scale(app, { replicas: 1 });
  await platform.pass({ hours: 1 });
  expect(await eventsOf(accountId)).toEqual(['app.created']);
  expect(await old.usage()).toEqual([]);
  expect(await old.status(app)).toEqual({ replicas_desired: 1, replicas_running: 0, size: 0.2 });
  await platform.report('app.deployed', { account: accountId, app, replicas: 1, size: 0.2 });
  await platform.pass({ hours: 1 });
  expect(await today.usage()).toEqual([{ app, amount_cents: 0, replica_size_seconds: 720 }]);
  expect(await today.status(app)).toMatchObject({ replicas_desired: 1, replicas_running: 1 });
});

test('scale completes what is missing, is metered from its second on, and says what it did', async () => {
  const { old, today, app, accountId } = await withApp({ isUpgraded: true });
  await platform.pass({ seconds: 10 });
  await old.scale(app, { size: 2.0 });
  await platform.pass({ seconds: 10 });
  expect(await today.scale(app, { replicas: 3 })).toEqual({ replicas: 3, size: 2 });
  await platform.pass({ seconds: 10 });
  expect(await today.scale(app, { replicas: 2.0, size: 0.6 })).toEqual({ replicas: 2, size: 0.6 });
  await old.scale(app, { replicas: 0 });
  await platform.pass({ seconds: 100 });
  expect(await eventsOf(accountId)).toEqual([
    'app.created',
    'app.scaled 20',
    'app.scaled 60',
    'app.scaled 12',
    'app.scaled 0',
  ]);
  const [row] = await old.usage();
  expect(row).toMatchObject({ app, replica_size_seconds: 0.2 * 10 + 2 * 10 + 6 * 10 });
  expect(await old.status(app)).toEqual({ replicas_desired: 0, replicas_running: 0, size: 0.6 });
  expect(await platform.signals(accountId)).toContain('app.scale_requested');
});

test('scale refuses what is no size or number of replicas, and changes nothing', async () => {
  const { old, app, accountId } = await withApp({ isUpgraded: true });
  const before = await eventsOf(accountId);
  const replicas = 'must be a whole number from 0 on';
  const size = 'must be a number from 0.2 to 16 in steps of 0.1';
  for (const [json, field, text] of [
    [{ replicas: -1 }, 'replicas', replicas],
    [{ replicas: 1.5 }, 'replicas', replicas],
    [{ replicas: '3' }, 'replicas', replicas],
    [{ replicas: true }, 'replicas', replicas],
    [{ size: 0.1 }, 'size', size],
    [{ size: 16.1 }, 'size', size],
    [{ size: 0.25 }, 'size', size],
    [{ size: '0.5' }, 'size', size],
    [{ replicas: 1001 }, '', 'An app may run at most 1000 replicas, not 1001.'],
    [{}, '', 'Give replicas, size or both.'],
  ] as const) {
    await expect(old.scale(app, json), JSON.stringify(json)).rejects.toMatchObject(
      printed(
        field,
        field === '' ? text : `${text}, not ${JSON.stringify(Object.values(json)[0])}`,
      ),
    );
  }
  await expect(old.scale(app, { replicas: 2 ** 31 })).rejects.toMatchObject({ status: 422 });
  expect(await eventsOf(accountId)).toEqual(before);
});

test('FREE: more than 1 × 0.2 is refused with a reason, and allowed after the upgrade', async () => {
  const { old, today, app, accountId } = await withApp();
  const before = await eventsOf(accountId);
  await expect(old.scale(app, { replicas: 2 })).rejects.toThrow(/limited to 1 instance/);
  await expect(today.scale(app, { size: 0.3 })).rejects.toThrow(/limited to size 0\.2/);
  const second = await old.create();
  await expect(today.scale(second, { replicas: 1 })).rejects.toThrow(/limited to 1 instance/);
  expect(await eventsOf(accountId)).toEqual([...before, 'app.created']);
  expect(await old.status(app)).toMatchObject({ replicas_desired: 1, size: 0.2 });
  await today.upgrade('tok_visa');
  await old.scale(app, { replicas: 2, size: 0.3 });
  await today.scale(second, { replicas: 1 });
});

test('of scale-ups that race for the free instance at most one wins', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { old, today, app } = await withApp();
    const second = await old.create();
    const third = await today.create();
    await old.scale(app, { replicas: 0 });
    const raced = await Promise.allSettled(
      [app, second, third, app, second, third].map(async (name, index) =>
        (index % 2 === 0 ? old : today).scale(name, { replicas: 1 }),
      ),
    );
    const running = (await old.apps()).filter(({ replicas }) => replicas === 1);
    expect(running).toHaveLength(1);
    // Scaling the winner to the same once more is no second instance.
    const wins = raced.filter(({ status }) => status === 'fulfilled').length;
    expect(wins).toBeGreaterThanOrEqual(1);
    expect(wins).toBeLessThanOrEqual(2);
  }
});

test('commands of one instant take effect in the order in which they were decided', async () => {
  const { old, app } = await withApp({ isUpgraded: true });
  await Promise.all([1, 2, 3, 4, 5].map(async (replicas) => old.scale(app, { replicas })));
  await old.scale(app, { replicas: 7 });
  expect(await old.status(app)).toMatchObject({ replicas_desired: 7 });
  await old.scale(app, { size: 0.5 });
  expect(await old.status(app)).toMatchObject({ replicas_desired: 7, size: 0.5 });
});

test('what the platform reports is what is desired, also beyond the limits', async () => {
  const { old, today, app, accountId: account } = await withApp();
  await platform.report('app.scaled', { account, app, replicas: 3, size: 0.5 });
  expect(await today.info(app)).toEqual({ unique_name: app, size: 0.5, replicas: 3 });
  await expect(today.scale(app, { replicas: 4 })).rejects.toMatchObject({ status: 422 });
  expect(await today.scale(app, { replicas: 1 })).toEqual({ replicas: 1, size: 0.5 });
  expect(await platform.signals(account)).toContain('limit.exceeded');
  await platform.report('app.created', { account, app: 'reported' });
  expect((await old.apps()).map(({ name }) => name)).toContain('reported');
});

test('restart is accepted and not metered', async () => {
  const { old, today, app, accountId } = await withApp();
  const before = await eventsOf(accountId);
  await old.restart(app);
  await today.restart(app);
  expect(await eventsOf(accountId)).toEqual(before);
  expect(await platform.signals(accountId)).toContain('app.restart_requested');
});

test('run starts a job of the app’s size, also at 0 replicas; five minutes are billed at most', async () => {
  const { old, today, app, accountId } = await withApp({ isUpgraded: true });
  await old.scale(app, { replicas: 0, size: 0.5 });
  await old.run(app);
  const { job } = (await today.run(app)) as unknown as { job: string };
  await platform.pass({ seconds: 60 });
  await platform.report('job.finished', { account: accountId, app, job });
  await platform.pass({ hours: 1 });
  const [row] = await old.usage();
  expect(row.replica_size_seconds).toBe(0.5 * 60 + 0.5 * 300);
  expect(await platform.signals(accountId)).toContain('job.run_requested');
});

test('migrate gives a command, free of charge', async () => {
  const { old, app, accountId } = await withApp();
  const before = await eventsOf(accountId);
  expect(await old.migrate(app)).toContain(`:${app.replaceAll('-', '_')}`);
  expect(await old.migrate(app, 'inner_app')).toContain(':inner_app');
  await expect(old.migrate(app, 'x; System.halt()')).rejects.toMatchObject({ status: 422 });
  expect(await eventsOf(accountId)).toEqual(before);
});

test('apps:destroy ends the app with its database in the same second', async () => {
  const { old, today, app, accountId } = await withApp();
  await today.createFreeDatabase(app);
  const [{ id }] = await old.databases(app);
  await platform.report('database.available', { account: accountId, app, database: id, size: 0.6 });
  await platform.pass({ seconds: 100 });
  expect(await today.destroy(app)).toEqual({ unique_name: app, size: 0.2, replicas: 1 });
  await platform.pass({ hours: 1 });
  expect(await old.usage()).toEqual([
    { app, amount_cents: 0, replica_size_seconds: 20 },
    {
      app,
      amount_cents: 0,
      replica_size_seconds: 0,
      database_id: id,
      database_size: 0.6,
      database_seconds: 100,
    },
  ]);
  expect(await old.apps()).toEqual([]);
  for (const call of [
    () => today.info(app),
    () => today.destroy(app),
    () => old.scale(app, { replicas: 1 }),
    () => old.databases(app),
  ]) {
    await expect(call()).rejects.toMatchObject({ status: 404 });
  }
});

test('commands about what is the platform’s answer 404 with a text', async () => {
  const { today, app } = await withApp();
  for (const path of [
    `/api/apps/${app}/configs`,
    `/api/apps/${app}/domains`,
    `/api/apps/${app}/drains`,
    `/api/apps/${app}/releases`,
    `/api/apps/${app}/logs`,
    `/api/apps/${app}/ssh_ip`,
    '/api/ssh_keys',
    '/api/stacks',
    '/api/nonsense',
  ]) {
    const { status, json } = await today.terminal.send({ method: 'GET', path });
    expect(status, path).toBe(404);
    expect(json.errors[''][0]).toContain("Everything else is the platform's");
  }
});
