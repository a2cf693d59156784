import { z } from 'zod';
import { tierAt, type Account, type Tier } from '../../../accounts/account.ts';
import type { Balances } from '../../../ledger/entry.ts';
import { runningPeriod } from '../../../invoicing/previews/preview-bill.ts';
import type { Second } from '../../../values/instant.ts';
import { cents, instant, period, periodToJson, tier, toCents, toInstant } from '../schemas.ts';

export const accountSchema = z
  .object({
    account: z.string().meta({ example: 'acme' }),
    email: z.string(),
    tier,
    signed_up_at: instant.meta({ description: 'its billing periods are counted from here' }),
    confirmed_at: instant.nullable(),
    upgraded_at: instant.nullable(),
    deleted_at: instant.nullable(),
    credit_cents: cents.meta({ description: 'credit that its next invoices may use' }),
    carried_cents: cents.meta({
      description: 'what was too small to be charged, on its next invoice',
    }),
    written_off_cents: cents.meta({
      description: 'the same of a deleted account, whose last it was',
    }),
    current_period: period,
  })
  .meta({ id: 'Account' });

export const tierSpan = z
  .object({ tier, from: instant, to: instant.nullable() })
  .meta({ id: 'TierSpan', description: 'half-open; null: up to now' });

export function accountToJson(
  account: Account,
  balances: Balances,
  now: Second,
): z.output<typeof accountSchema> {
  return {
    account: account.id,
    email: account.email,
    tier: tierAt(account, now),
    signed_up_at: toInstant(account.signedUpAt),
    confirmed_at: nullable(account.confirmedAt),
    upgraded_at: nullable(account.upgradedAt),
    deleted_at: nullable(account.deletedAt),
    credit_cents: toCents(balances.credit),
    carried_cents: toCents(balances.carried),
    written_off_cents: toCents(balances.written_off),
    current_period: periodToJson(runningPeriod(account, now)),
  };
}

export function tiersToJson({
  signedUpAt,
  upgradedAt,
  deletedAt,
}: Account): z.output<typeof tierSpan>[] {
  const span = (name: Tier, from: Second, to: Second | undefined) => ({
    tier: name,
    from: toInstant(from),
    to: nullable(to),
  });
  if (upgradedAt === undefined) return [span('FREE', signedUpAt, deletedAt)];
  const paid = span('STANDARD', upgradedAt, deletedAt);
  return upgradedAt === signedUpAt ? [paid] : [span('FREE', signedUpAt, upgradedAt), paid];
}

function nullable(at: Second | undefined): string | null {
  return at === undefined ? null : toInstant(at);
}
