import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPlatform, type Member, type Platform } from './support/platform.ts';
import { NOT_AUTHORIZED } from './support/terminal.ts';

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

test('a foreign app is as unknown as one that does not exist', async () => {
  const owner = await withApp();
  const { old, today } = await platform.member();
  for (const name of [owner.app, 'no-such-app']) {
    const message = expect.stringContaining('There is no app') as string;
    for (const call of [
      () => today.info(name),
      () => today.destroy(name),
      () => old.status(name),
      () => old.scale(name, { replicas: 0 }),
      () => old.restart(name),
      () => old.run(name),
      () => today.run(name),
      () => old.migrate(name),
      () => old.databases(name),
      () => old.createDatabase(name),
      () => today.createFreeDatabase(name),
      () => old.scaleDatabase(name, 'db', 1.7),
      () => old.deleteDatabase(name, 'db'),
      () => old.permissions(name),
      () => old.addPermission(name, 'friend@acme.example'),
      () => old.deletePermission(name, 'friend@acme.example'),
    ]) {
      await expect(call()).rejects.toMatchObject({ status: 404, message });
    }
  }
  expect(await owner.old.status(owner.app)).toMatchObject({ replicas_desired: 1 });
});

test('a collaborator acts, the owner pays; what is the owner’s to decide answers 401', async () => {
  const owner = await withApp({ isUpgraded: true });
  const friend = await platform.member();
  const { app } = owner;
  await owner.old.addPermission(app, friend.email.toUpperCase());
  await owner.today.addPermission(app, 'someone@acme.example', 'admin');
  expect(await owner.old.permissions(app)).toEqual([friend.email, 'someone@acme.example']);
  await friend.old.scale(app, { replicas: 3, size: 1 });
  await friend.today.run(app);
  await friend.old.restart(app);
  await friend.old.createDatabase(app, 1.7);
  expect(await friend.today.databases(app)).toMatchObject([{ state: 'PENDING', size: 1.7 }]);
  expect(await friend.today.permissions(app)).toHaveLength(2);
  for (const call of [
    () => friend.old.addPermission(app, 'another@acme.example'),
    () => friend.today.deletePermission(app, 'someone@acme.example'),
    () => friend.today.destroy(app),
  ]) {
    await expect(call()).rejects.toMatchObject({ status: 401, message: NOT_AUTHORIZED });
  }
  await platform.pass({ hours: 1 });
  expect(await friend.old.usage()).toEqual([]);
  expect(await friend.old.apps()).toEqual([]);
  expect(await owner.old.usage()).toMatchObject([{ app, replica_size_seconds: 3 * 3600 + 300 }]);
  await owner.today.deletePermission(app, friend.email);
  await expect(friend.old.status(app)).rejects.toMatchObject({ status: 404 });
  await expect(owner.today.deletePermission(app, friend.email)).rejects.toMatchObject({
    status: 404,
  });
});

test('addresses are taken as people have them', async () => {
  const owner = await withApp();
  const addresses = ['foo@x.y', 'o&m@münchen.example', 'user@localhost'];
  for (const address of addresses) await owner.today.addPermission(owner.app, address);
  expect(await owner.old.permissions(owner.app)).toEqual(addresses.toSorted());
  await expect(owner.old.addPermission(owner.app, 'nonsense')).rejects.toMatchObject({
    status: 422,
    message: '{"errors":{"email":["must be an e-mail address, not \\"nonsense\\""]}}',
  });
});

test('a collaborator’s command is decided by the limits of the owner', async () => {
  const owner = await withApp();
  const friend = await platform.member();
  await friend.today.upgrade('tok_visa');
  await owner.old.addPermission(owner.app, friend.email);
  await expect(friend.old.scale(owner.app, { replicas: 2 })).rejects.toThrow(/free tier/);
});

test('permissions are for confirmed addresses: anybody can sign up with anybody’s', async () => {
  const owner = await withApp();
  const impostor = await platform.member({ isConfirmed: false });
  await owner.old.addPermission(owner.app, impostor.email);
  await expect(impostor.old.status(owner.app)).rejects.toMatchObject({ status: 404 });
  await expect(owner.old.addPermission(owner.app, owner.email)).rejects.toMatchObject({
    status: 422,
  });
});

test('an unconfirmed account creates neither apps nor databases', async () => {
  const { old, accountId: account } = await platform.member({ isConfirmed: false });
  await expect(old.create()).rejects.toThrow(/not confirmed/);
  await platform.report('app.deployed', { account, app: 'reported', replicas: 1, size: 0.2 });
  await expect(old.createDatabase('reported')).rejects.toThrow(/not confirmed/);
  expect(await old.apps()).toMatchObject([{ name: 'reported' }]);
});
