import { expect, test } from 'vitest';
import { requirementOf } from '../../src/events/admission.ts';
import { VALID } from '../support/valid-reports.ts';

const NEEDS: Readonly<Record<string, object | undefined>> = {
  'account.created': undefined,
  'account.confirmed': undefined,
  'account.upgraded': undefined,
  'account.deleted': undefined,
  'app.created': undefined,
  'app.deployed': undefined,
  'app.scaled': undefined,
  'app.deleted': { kind: 'app', name: 'web' },
  'database.available': { kind: 'app', name: 'web' },
  'database.resized': { kind: 'database', name: 'db1' },
  'database.deleted': { kind: 'database', name: 'db1' },
  'database.rows_observed': { kind: 'database', name: 'db1' },
  'job.started': { kind: 'app', name: 'web' },
  'job.finished': { kind: 'app', name: 'web' },
};

test.each(VALID)(
  '$type waits for what it speaks of, beside its account (R61)',
  ({ type, fact }) => {
    expect(Object.keys(NEEDS)).toContain(type);
    expect(requirementOf(fact)).toEqual(NEEDS[type]);
  },
);
