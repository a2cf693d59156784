import { randomUUID } from 'node:crypto';
import type { Account } from '../accounts/account.ts';
import { lockAccounts } from '../accounts/lock.ts';
import { requireLiveAccount } from '../accounts/require-account.ts';
import { addSignals } from '../accounts/signals.ts';
import type { Db } from '../database/pool.ts';
import type { Fact } from '../events/event.ts';
import type { Change } from '../limits/holdings.ts';
import { reasonsAgainst, type Limits } from '../limits/rules.ts';
import type { RecordWithin } from '../metering/record-events.ts';
import type { Clock } from '../values/clock.ts';
import { assert, Fault } from '../values/fault.ts';
import { formatInstant, toSecond, type Instant } from '../values/instant.ts';
import { fromTenths } from '../values/size.ts';
import { commandInstant } from './command-instant.ts';
import { holdingsOf, readDesired, type DesiredState } from './desired-state.ts';

export type CommandContext = {
  readonly db: Db;
  readonly clock: Clock;
  readonly record: RecordWithin;
  readonly limits: Limits;
};

/** A command under way: the account is locked and shows what it wants to run at this moment. */
export type Command = {
  readonly tx: Db;
  readonly now: Date;
  readonly account: Account;
  readonly desired: DesiredState;
  /** @throws Fault `conflict` with the reasons, when a limit stands against the change. */
  readonly requireAllowed: (change: Change) => void;
  /** Records a fact as of now, after the latest fact about the same thing. */
  readonly record: (fact: Fact, latestAt?: Instant) => Promise<void>;
  /** Hands an accepted change on to the platform (D12). */
  readonly tell: (kind: string, details: Readonly<Record<string, unknown>>) => Promise<void>;
};

/** The source of events that follow from commands. */
export const COMMAND_SOURCE = 'gigameter-api';

/**
 * Runs a command of an account in one transaction under the account's lock: commands of one account are
 * decided one after the other, and what was decided, its event and its signal are there together or not at
 * all.
 *
 * @throws Fault `account_unknown`, also for a deleted account.
 */
export async function runCommand<T>(
  context: CommandContext,
  accountId: string,
  work: (command: Command) => Promise<T>,
): Promise<T> {
  return await context.db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await lockAccounts(tx, [accountId]);
      const account = await requireLiveAccount(tx, accountId);
      const desired = await readDesired(tx, accountId);
      return await work(makeCommand(context, tx, account, desired));
    });
}

function makeCommand(
  { clock, record, limits }: CommandContext,
  tx: Db,
  account: Account,
  desired: DesiredState,
): Command {
  // Read under the lock: a command that waited takes effect when it is decided.
  const now = clock();
  return {
    tx,
    now,
    account,
    desired,
    requireAllowed: (change) => {
      const reasons = reasonsAgainst(holdingsOf(account, desired, toSecond(now)), change, limits);
      const [first] = reasons;
      if (first === undefined) return;
      const message = reasons.map((reason) => reason.message).join(' ');
      throw new Fault('conflict', first.code, message);
    },
    record: async (fact, latestAt) => {
      const at = commandInstant(now, account.signedUpAt, latestAt);
      const [outcome] = await record(tx, now, [reportOf(account.id, fact, at)]);
      assert(outcome?.status === 'recorded', `${fact.type} was not recorded: ${outcome?.status}`);
    },
    tell: async (kind, details) =>
      await addSignals(tx, now, [{ accountId: account.id, kind, details }]),
  };
}

/** A fact in the form in which facts are reported. */
export function reportOf(account: string, fact: Fact, at: Instant) {
  const { type, ...content } = fact;
  const { sizeTenths, ...rest } = { sizeTenths: undefined, ...content };
  const size = sizeTenths === undefined ? {} : { size: fromTenths(sizeTenths) };
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: COMMAND_SOURCE,
    type,
    time: formatInstant(at),
    data: { account, ...rest, ...size },
  };
}
