import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { CardSetup, StripeCustomer } from '../../database/tables.ts';

export type SetupRow = Selectable<CardSetup>;

/** What a customer may be told and we may keep of a card (R36). */
export type Card = {
  readonly paymentMethodId: string;
  readonly brand: string | null;
  readonly last4: string | null;
  readonly expMonth: number | null;
  readonly expYear: number | null;
};

/** The card that the account is charged with; undefined when it has none. */
export async function findCard(db: Db, accountId: string): Promise<Card | undefined> {
  const row = await db
    .selectFrom('stripe_customer')
    .select(['payment_method_id', 'brand', 'last4', 'exp_month', 'exp_year'])
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row && toCard(row);
}

export type CardRow = Pick<
  Selectable<StripeCustomer>,
  'payment_method_id' | 'brand' | 'last4' | 'exp_month' | 'exp_year'
>;

export function toCard(row: CardRow): Card | undefined {
  if (row.payment_method_id === null) return undefined;
  return {
    paymentMethodId: row.payment_method_id,
    brand: row.brand,
    last4: row.last4,
    expMonth: row.exp_month,
    expYear: row.exp_year,
  };
}

/**
 * The set-up of a card from this source: the one under way, else the one that made the present card,
 * else a new one. So repeating a request goes on where it was cut off, and never sets a card twice.
 */
export async function startSetup(
  db: Db,
  accountId: string,
  source: string,
  now: Date,
): Promise<SetupRow> {
  const sourceSha256 = sha256(source);
  return await db.transaction().execute(async (tx) => {
    await tx
      .selectFrom('account')
      .select('account_id')
      .where('account_id', '=', accountId)
      .forUpdate()
      .execute();
    const earlier = await tx
      .selectFrom('card_setup')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('source_sha256', '=', sourceSha256)
      .execute();
    const customer = await tx
      .selectFrom('stripe_customer')
      .select('card_setup_id')
      .where('account_id', '=', accountId)
      .executeTakeFirst();
    const present = earlier.find(
      (setup) => setup.state === 'started' || setup.card_setup_id === customer?.card_setup_id,
    );
    if (present !== undefined) return present;
    return await tx
      .insertInto('card_setup')
      .values({
        account_id: accountId,
        card_setup_id: `set_${sha256(`${accountId}/${source}/${earlier.length}`).slice(0, 24)}`,
        source_sha256: sourceSha256,
        state: 'started',
        started_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

export async function findSetup(
  db: Db,
  accountId: string,
  cardSetupId: string,
): Promise<SetupRow | undefined> {
  return await db
    .selectFrom('card_setup')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('card_setup_id', '=', cardSetupId)
    .executeTakeFirst();
}

/** Whether the card in use comes from a set-up that was begun after this one: that is the owner's last word. */
export async function isOutdated(db: Db, setup: SetupRow): Promise<boolean> {
  const later = await db
    .selectFrom('stripe_customer')
    .innerJoin('card_setup', (join) =>
      join
        .onRef('card_setup.account_id', '=', 'stripe_customer.account_id')
        .onRef('card_setup.card_setup_id', '=', 'stripe_customer.card_setup_id'),
    )
    .select('card_setup.card_setup_id')
    .where('stripe_customer.account_id', '=', setup.account_id)
    .where('card_setup.started_at', '>', setup.started_at)
    .executeTakeFirst();
  return later !== undefined;
}

export async function refuseSetup(
  tx: Db,
  setup: SetupRow,
  now: Date,
  message: string,
): Promise<void> {
  await updateSetup(tx, setup).set({ state: 'refused', ended_at: now, message }).execute();
}

/** Only while it is under way: what is done or refused stays so. */
export function updateSetup(tx: Db, setup: SetupRow) {
  return tx
    .updateTable('card_setup')
    .where('account_id', '=', setup.account_id)
    .where('card_setup_id', '=', setup.card_setup_id)
    .where('state', '=', 'started');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
