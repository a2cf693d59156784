import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { StripeCustomer as StripeCustomerTable } from '../database/tables.ts';
import type { Params } from './gateway.ts';
import type { Lease } from './lease.ts';
import { customerObject, type StripeCustomer } from './objects.ts';
import type { Operation, Outcome, StripeContext } from './operation.ts';
import { runOperation } from './run-operation.ts';
import { readList } from './read.ts';

export type CustomerRow = Selectable<StripeCustomerTable>;

export async function findCustomer(db: Db, accountId: string): Promise<CustomerRow | undefined> {
  return await db
    .selectFrom('stripe_customer')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirst();
}

/** Makes the account's customer at Stripe; done at once when it has one. Safe to repeat. */
export async function ensureCustomer(
  context: StripeContext,
  lease: Lease,
): Promise<Outcome<StripeCustomer>> {
  const row = await findCustomer(context.db, lease.accountId);
  if (row !== undefined && row.stripe_customer_id !== null) {
    const result = { id: row.stripe_customer_id, email: null, metadata: {} };
    return { outcome: 'done', result };
  }
  const { email } = await context.db
    .selectFrom('account')
    .select('email')
    .where('account_id', '=', lease.accountId)
    .executeTakeFirstOrThrow();
  const customer = { accountId: lease.accountId, email, generation: row?.generation ?? 0 };
  return await runOperation(context, lease, makeCustomer(context, customer));
}

/** Accounts may be named in any script, keys may not: operations of an account go by a hash of its id. */
export function accountSubject(accountId: string): string {
  return `acc_${createHash('sha256').update(accountId).digest('hex').slice(0, 24)}`;
}

type NewCustomer = {
  readonly accountId: string;
  readonly email: string;
  readonly generation: number;
};

function makeCustomer(
  { gateway, clock }: StripeContext,
  { accountId, email, generation }: NewCustomer,
): Operation<StripeCustomer> {
  const find = async (params: Params): Promise<StripeCustomer | undefined> => {
    for await (const customer of readList(gateway, customerObject, '/v1/customers', params)) {
      if (customer.metadata['gm_account'] === accountId && !customer.deleted) return customer;
    }
    return undefined;
  };
  return {
    accountId,
    subject: `${accountSubject(accountId)}.${generation}`,
    step: 'customer',
    // Once per account, so always worth a look: a restored database does not know its customers.
    isLookedUpFirst: true,
    plan: async () => ({
      method: 'POST',
      path: '/v1/customers',
      params: { name: accountId, email, metadata: { gm_account: accountId } },
    }),
    parse: (body) => customerObject.safeParse(body).data,
    look: async (sent) => {
      // A day of margin, should Stripe's clock and ours differ.
      const since = Math.floor((sent?.first_sent_at?.getTime() ?? 0) / 1000) - 86_400;
      const customer =
        (await find({ email })) ??
        (sent === undefined ? undefined : await find({ created: { gte: since } }));
      return customer === undefined ? 'absent' : { found: customer };
    },
    save: async (tx, customer) => {
      const change = { stripe_customer_id: customer.id, updated_at: clock() };
      await tx
        .insertInto('stripe_customer')
        .values({ account_id: accountId, generation, ...change })
        .onConflict((conflict) => conflict.column('account_id').doUpdateSet(change))
        .execute();
    },
    refuse: async () => {},
  };
}
