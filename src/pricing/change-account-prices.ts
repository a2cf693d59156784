import { sql, type Selectable } from 'kysely';
import { lastCounted, type Account } from '../accounts/account.ts';
import { lockAccounts } from '../accounts/lock.ts';
import { unknownAccount } from '../accounts/require-account.ts';
import { toAccount } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import type { AccountPrice as AccountPriceTable } from '../database/tables.ts';
import { Fault } from '../values/fault.ts';
import { formatSecond, type Second } from '../values/instant.ts';
import { periodAt } from '../values/period.ts';
import { accountPriceContent, type AccountPriceContent } from './account-price.ts';

/** An account's own prices with what is kept about them. */
export type StoredAccountPrice = {
  readonly id: string;
  readonly from: Second;
  readonly to: Second | undefined;
  readonly content: AccountPriceContent;
  readonly actor: string;
  readonly reason: string;
  readonly createdAt: Date;
  /** Who ended them earlier than was said at first. */
  readonly ended: { readonly by: string; readonly reason: string; readonly at: Date } | undefined;
};

export type AccountPriceChange = Omit<StoredAccountPrice, 'createdAt' | 'ended'>;

/** All prices an account ever had of its own, in order of their instants. */
export async function listAccountPrices(
  db: Db,
  accountId: string,
): Promise<readonly StoredAccountPrice[]> {
  const rows = await db
    .selectFrom('account_price')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('from_at')
    .orderBy('price_id')
    .execute();
  return rows.map(toStored);
}

/**
 * Lets an account pay its own prices within [from, to). They may begin in the open billing period, also in
 * its past, never in a closed one. Answers whether they are new: repeating them changes nothing.
 *
 * @throws Fault `account_unknown`, `account_closed`, `price_range_empty`, `price_backdated`, `price_overlaps`
 *   when other prices of the account hold at the same time, `id_reused`.
 */
export async function setAccountPrice(
  db: Db,
  now: Date,
  accountId: string,
  price: AccountPriceChange,
): Promise<boolean> {
  return await underLock(db, accountId, async (tx, openSince) => {
    if (await isKnown(tx, accountId, price)) return false;
    refuseEmpty(price);
    refuseBilled(openSince, price.from);
    await refuseOverlap(tx, accountId, price);
    await tx
      .insertInto('account_price')
      .values({
        account_id: accountId,
        price_id: price.id,
        from_at: price.from,
        to_at: price.to ?? null,
        content: JSON.stringify(price.content),
        actor: price.actor,
        reason: price.reason,
        created_at: now,
      })
      .execute();
    return true;
  });
}

/**
 * Ends an account's prices at `at`, earlier than was said; at their beginning or before it, they never held.
 * Answers whether that changed anything; safe to repeat.
 *
 * @throws Fault `account_unknown`, `account_closed`, `price_unknown`, `price_backdated` for an instant in a
 *   closed period, `price_ends_earlier` when they end before `at` anyway.
 */
export async function endAccountPrice(
  db: Db,
  now: Date,
  accountId: string,
  end: {
    readonly id: string;
    readonly at: Second;
    readonly actor: string;
    readonly reason: string;
  },
): Promise<boolean> {
  return await underLock(db, accountId, async (tx, openSince) => {
    const price = await findPrice(tx, accountId, end.id);
    if (price === undefined) {
      const message = `account ${accountId} has no prices ${end.id}`;
      throw new Fault('not_found', 'price_unknown', message);
    }
    const to = end.at < price.from_at ? price.from_at : end.at;
    if (price.to_at === to) return false;
    if (price.to_at !== null && price.to_at < to) {
      const message =
        `prices ${end.id} end at ${formatSecond(price.to_at)} already; ` +
        'set new ones for the time after that';
      throw new Fault('conflict', 'price_ends_earlier', message);
    }
    refuseBilled(openSince, to);
    await tx
      .updateTable('account_price')
      .set({ to_at: to, ended_at: now, ended_by: end.actor, end_reason: end.reason })
      .where('account_id', '=', accountId)
      .where('price_id', '=', end.id)
      .execute();
    return true;
  });
}

/** Under the lock that closing takes, so that a period is either closed before or billed by the change. */
async function underLock<T>(
  db: Db,
  accountId: string,
  work: (tx: Db, openSince: Second | undefined) => Promise<T>,
): Promise<T> {
  return await db.transaction().execute(async (tx) => {
    await lockAccounts(tx, [accountId]);
    const row = await tx
      .selectFrom('account')
      .selectAll()
      .where('account_id', '=', accountId)
      .executeTakeFirst();
    if (row === undefined) throw unknownAccount(accountId);
    return await work(tx, startOfOpen(toAccount(row), row.next_close_at ?? undefined));
  });
}

/** Where the periods that are not closed begin; undefined when all are in which something was used. */
function startOfOpen(account: Account, nextCloseAt: Second | undefined): Second | undefined {
  const isEnded = nextCloseAt === undefined || lastCounted(account, nextCloseAt) < nextCloseAt;
  return isEnded ? undefined : periodAt(account.signedUpAt, nextCloseAt - 1n).start;
}

async function isKnown(tx: Db, accountId: string, price: AccountPriceChange): Promise<boolean> {
  const known = await tx
    .selectFrom('account_price')
    .select(sql<boolean>`content = ${JSON.stringify(price.content)}::jsonb`.as('isSame'))
    .select(['from_at', 'to_at', 'ended_at'])
    .where('account_id', '=', accountId)
    .where('price_id', '=', price.id)
    .executeTakeFirst();
  if (known === undefined) return false;
  const isSameEnd = known.ended_at !== null || known.to_at === (price.to ?? null);
  if (known.isSame && known.from_at === price.from && isSameEnd) return true;
  const message = `the id ${price.id} was used for other prices of ${accountId}; choose another`;
  throw new Fault('conflict', 'id_reused', message);
}

function refuseEmpty({ from, to }: AccountPriceChange): void {
  if (to === undefined || from < to) return;
  const message = `prices must end after they begin, not from ${formatSecond(from)} to ${formatSecond(to)}`;
  throw new Fault('invalid', 'price_range_empty', message);
}

function refuseBilled(openSince: Second | undefined, at: Second): void {
  if (openSince === undefined) {
    const message = 'all periods of the account are closed: its prices cannot change any more';
    throw new Fault('conflict', 'account_closed', message);
  }
  if (at >= openSince) return;
  const message =
    `prices can change from ${formatSecond(openSince)} on, where the open billing period begins, ` +
    `not at ${formatSecond(at)}: closed periods keep theirs`;
  throw new Fault('invalid', 'price_backdated', message);
}

async function refuseOverlap(
  tx: Db,
  accountId: string,
  { from, to }: AccountPriceChange,
): Promise<void> {
  const other = await tx
    .selectFrom('account_price')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(sql<boolean>`int8range(from_at, to_at) && int8range(${from}, ${to ?? null})`)
    .orderBy('from_at')
    .executeTakeFirst();
  if (other === undefined) return;
  const until = other.to_at === null ? 'until further notice' : `to ${formatSecond(other.to_at)}`;
  const message =
    `account ${accountId} has prices ${other.price_id} from ${formatSecond(other.from_at)} ${until}; ` +
    'end them first, or choose a time without them';
  throw new Fault('conflict', 'price_overlaps', message);
}

async function findPrice(
  tx: Db,
  accountId: string,
  id: string,
): Promise<Selectable<AccountPriceTable> | undefined> {
  return await tx
    .selectFrom('account_price')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('price_id', '=', id)
    .executeTakeFirst();
}

function toStored(row: Selectable<AccountPriceTable>): StoredAccountPrice {
  const { ended_at: at, ended_by: by, end_reason: reason } = row;
  return {
    id: row.price_id,
    from: row.from_at,
    to: row.to_at ?? undefined,
    content: accountPriceContent.parse(row.content),
    actor: row.actor,
    reason: row.reason,
    createdAt: row.created_at,
    ended: at === null ? undefined : { by: by!, reason: reason!, at },
  };
}
