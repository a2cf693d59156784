import { endPeriods, noteEarliest } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import { isEventOf, type Event } from '../events/event.ts';
import type { Introduction } from '../events/parking.ts';
import { cutSeries } from './checkpoints.ts';
import { databaseEnds, introduceApps, introduceDatabases } from './introduce.ts';
import { foldJobs } from './jobs.ts';
import { recordBatch } from './record-batch.ts';
import { supersede } from './supersede.ts';

/**
 * What follows from freshly recorded events beyond their own series: jobs are folded, apps and databases
 * become known, databases end with their app, accounts change, wrong events are taken out. Needs the accounts' lock.
 */
export async function applyEffects(
  tx: Db,
  now: Date,
  recorded: readonly Event[],
): Promise<readonly Introduction[]> {
  const available = recorded.filter(isEventOf('database.available'));
  await foldJobs(
    tx,
    recorded.flatMap(({ account, fact }) =>
      'job' in fact ? [{ account, app: fact.app, job: fact.job }] : [],
    ),
  );
  await introduceApps(tx, recorded.filter(isEventOf('app.created')));
  await introduceDatabases(tx, available);
  const ends = await databaseEnds(tx, recorded.filter(isEventOf('app.deleted')), available);
  if (ends.length > 0) await recordBatch(tx, now, ends);
  for (const event of recorded) await applyToAccount(tx, event);
  const instead = await supersede(tx, recorded.filter(isEventOf('event.superseded')));
  if (instead.length > 0) {
    await recordBatch(tx, now, instead);
    await applyEffects(tx, now, instead);
  }
  return recorded.flatMap(introductionOf);
}

async function applyToAccount(tx: Db, { account, occurredAt, fact }: Event): Promise<void> {
  const at = occurredAt.second;
  if (fact.type === 'account.confirmed') await noteEarliest(tx, account, 'confirmed_at', at);
  if (fact.type === 'account.upgraded' && (await noteEarliest(tx, account, 'upgraded_at', at))) {
    await cutSeries(tx, [{ account, at }]);
  }
  if (fact.type === 'account.deleted' && (await noteEarliest(tx, account, 'deleted_at', at))) {
    await endPeriods(tx, account, at);
  }
}

/** Apps made known by a level are found by the batch itself, which sees whether their series is new. */
function introductionOf({ account, fact }: Event): Introduction[] {
  switch (fact.type) {
    case 'account.created':
      return [{ account, known: { kind: 'account', name: account } }];
    case 'app.created':
      return [{ account, known: { kind: 'app', name: fact.app } }];
    case 'database.available':
      return [{ account, known: { kind: 'database', name: fact.database } }];
    default:
      return [];
  }
}
