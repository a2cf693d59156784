import { sql, type RawBuilder } from 'kysely';

/**
 * SQL for whether `invoice`, the table under that name, is what was billed for its period: its latest
 * revision. Voided by hand it still is: what it asked for is forgiven, and corrections bill differences to it.
 */
export function isLatestRevision(invoice: string): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${invoice}.${name}`);
  return sql`not exists (
    select from invoice successor where successor.account_id = ${column('account_id')}
      and successor.period_start = ${column('period_start')}
      and successor.revision > ${column('revision')})`;
}
