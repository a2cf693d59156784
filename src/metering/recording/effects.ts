import { endPeriods, noteEarliest, type Noted } from '../../accounts/store.ts';
import type { Db } from '../../database/pool.ts';
import type { Requirement } from '../../events/admission.ts';
import { eventsByType, type Event } from '../../events/event.ts';
import type { Introduction } from '../../events/parking.ts';
import { cutSeries, noteCuts } from '../series/checkpoints.ts';
import { databaseEnds, introduceApps, introduceDatabases } from './introduce.ts';
import { foldJobs } from '../series/jobs.ts';
import { newEvent } from './new-event.ts';
import { recordBatch } from './record-batch.ts';
import { supersede } from '../series/supersede.ts';

/**
 * What follows from freshly recorded events beyond their own series: jobs are folded, apps and databases
 * become known, databases end with their app, accounts change, wrong events are taken out. Needs the accounts' lock.
 */
export async function applyEffects(
  tx: Db,
  now: Date,
  recorded: readonly Event[],
): Promise<readonly Introduction[]> {
  const of = eventsByType(recorded);
  const available = of('database.available');
  await foldJobs(
    tx,
    [...of('job.started'), ...of('job.finished')].map(({ account, fact }) => {
      return { account, app: fact.app, job: fact.job };
    }),
  );
  await introduceApps(tx, of('app.created'));
  await introduceDatabases(tx, available);
  const ends = await databaseEnds(tx, of('app.deleted'), available);
  await recordBatch(tx, now, ends.map(newEvent));
  await noteEarliest(tx, 'confirmed_at', of('account.confirmed').map(instantOf));
  const upgrades = await noteEarliest(tx, 'upgraded_at', of('account.upgraded').map(instantOf));
  await cutSeries(tx, upgrades);
  await noteCuts(tx, upgrades);
  const deletions = await noteEarliest(tx, 'deleted_at', of('account.deleted').map(instantOf));
  await endPeriods(tx, deletions);
  const instead = await supersede(tx, of('event.superseded'));
  if (instead.length > 0) {
    await recordBatch(tx, now, instead.map(newEvent));
    await applyEffects(tx, now, instead);
  }
  return [
    ...of('account.created').map(({ account }) => introduction(account, 'account', account)),
    ...of('app.created').map(({ account, fact }) => introduction(account, 'app', fact.app)),
    ...available.map(({ account, fact }) => introduction(account, 'database', fact.database)),
  ];
}

function instantOf({ account, occurredAt }: Event): Noted {
  return { account, at: occurredAt.second };
}

/** Apps made known by a level are found by the batch, which sees whether their series is new. */
function introduction(account: string, kind: Requirement['kind'], name: string): Introduction {
  return { account, known: { kind, name } };
}
