import { randomUUID } from 'node:crypto';
import { Fault } from '../values/fault.ts';
import { fromTenths } from '../values/size.ts';
import { nameTaken, takeName } from './app-name.ts';
import { isKnownApp, requireApp, type AppOfAccount } from './app-of-account.ts';
import { runCommand, type Command, type CommandContext } from './command.ts';
import type { DesiredApp } from './desired-state.ts';

/** Wishes we only hand on: where to run it, on what. */
export type Placement = Readonly<Record<string, unknown>>;

/**
 * Creates an app: 1 × 0.2, or 0 replicas while a FREE account's instance is taken. It is not metered before
 * it is deployed (R12).
 *
 * @throws Fault `app_name_taken`, `account_unconfirmed`.
 */
export async function createApp(
  context: CommandContext,
  accountId: string,
  { name, placement = {} }: { readonly name: string | undefined; readonly placement?: Placement },
): Promise<DesiredApp> {
  return await runCommand(context, accountId, async ({ tx, ...command }) => {
    command.requireAllowed({ kind: 'create_app' });
    const app = await takeName(tx, accountId, name);
    if (await isKnownApp(tx, { accountId, app })) throw nameTaken();
    // The recorder asks for what a new app is to run, whoever created it.
    await command.record({ type: 'app.created', app });
    const { replicas, size_tenths: sizeTenths } = await tx
      .selectFrom('desired_app')
      .select(['replicas', 'size_tenths'])
      .where('account_id', '=', accountId)
      .where('app', '=', app)
      .executeTakeFirstOrThrow();
    const size = fromTenths(sizeTenths);
    await command.tell('app.create_requested', { app, replicas, size, ...placement });
    return { app, replicas, sizeTenths, isDeployed: false, latestAt: undefined };
  });
}

/** Replicas, size or both; what is missing stays as it is (R9). */
export type Scaling = {
  readonly replicas: number | undefined;
  readonly sizeTenths: number | undefined;
};

/**
 * Scales an app. One that was never deployed only gets another desired state (R12).
 *
 * @throws Fault `app_unknown`, `nothing_to_change`, or the code of a limit.
 */
export async function scaleApp(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
  scaling: Scaling,
): Promise<DesiredApp> {
  return await runCommand(context, accountId, async ({ tx, desired, ...command }) => {
    const present = requireApp(desired.apps, app);
    if (scaling.replicas === undefined && scaling.sizeTenths === undefined) {
      throw new Fault('invalid', 'nothing_to_change', 'Give replicas, size or both.');
    }
    const wanted = {
      app,
      replicas: scaling.replicas ?? present.replicas,
      sizeTenths: scaling.sizeTenths ?? present.sizeTenths,
    };
    command.requireAllowed({ kind: 'scale_app', ...wanted });
    const { replicas, sizeTenths } = wanted;
    if (present.isDeployed) {
      await command.record({ type: 'app.scaled', ...wanted }, present.latestAt);
    } else {
      const state = { replicas, size_tenths: sizeTenths };
      await tx
        .insertInto('desired_app')
        .values({ account_id: accountId, app, ...state, created_at: command.now })
        .onConflict((conflict) => conflict.columns(['account_id', 'app']).doUpdateSet(state))
        .execute();
    }
    const size = fromTenths(sizeTenths);
    await command.tell('app.scale_requested', { app, replicas, size });
    return { ...present, ...wanted };
  });
}

/** Changes nothing that is metered (R11). @throws Fault `app_unknown`. */
export async function restartApp(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
): Promise<void> {
  await runCommand(context, accountId, async ({ desired, tell }) => {
    requireApp(desired.apps, app);
    await tell('app.restart_requested', { app });
  });
}

/**
 * Starts a job: a container of the app's size beside its replicas, also at 0 of them (R13). The platform
 * runs it and reports its end; without a report it counts for five minutes (R14).
 *
 * @throws Fault `app_unknown`.
 */
export async function runJob(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
  task: Readonly<Record<string, unknown>>,
): Promise<{ readonly job: string }> {
  return await runCommand(context, accountId, async ({ desired, record, tell }) => {
    const { sizeTenths } = requireApp(desired.apps, app);
    const job = `job_${randomUUID()}`;
    await record({ type: 'job.started', app, job, sizeTenths });
    await tell('job.run_requested', { app, job, size: fromTenths(sizeTenths), ...task });
    return { job };
  });
}

/** Ends an app with its databases in the same second (R56). @throws Fault `app_unknown`. */
export async function deleteApp(
  context: CommandContext,
  { accountId, app }: AppOfAccount,
): Promise<DesiredApp> {
  return await runCommand(context, accountId, async (command) => {
    const present = requireApp(command.desired.apps, app);
    await endApp(command, present);
    return present;
  });
}

/** What deleting an app does, within a command that may do more. */
export async function endApp(command: Command, { app, latestAt }: DesiredApp): Promise<void> {
  const { tx, account, now } = command;
  await command.record({ type: 'app.deleted', app }, latestAt);
  await tx
    .updateTable('desired_database')
    .set({ deleted_at: now })
    .where('account_id', '=', account.id)
    .where('app', '=', app)
    .where('deleted_at', 'is', null)
    .execute();
  await tx
    .deleteFrom('permission')
    .where('account_id', '=', account.id)
    .where('app', '=', app)
    .execute();
  await command.tell('app.delete_requested', { app });
}
