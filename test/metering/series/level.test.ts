import { expect, test } from 'vitest';
import { levelChangeOf } from '../../../src/metering/series/level.ts';
import { VALID } from '../../support/valid-reports.ts';

const CHANGES: Readonly<Record<string, object | undefined>> = {
  'account.created': undefined,
  'account.confirmed': undefined,
  'account.upgraded': undefined,
  'account.deleted': undefined,
  'app.created': undefined,
  'app.deployed': { meter: 'app', resource: 'web', app: 'web', level: 2, sizeTenths: 2 },
  'app.scaled': { meter: 'app', resource: 'web', app: 'web', level: 69, sizeTenths: 23 },
  'app.deleted': { meter: 'app', resource: 'web', app: 'web', level: 0, sizeTenths: 0 },
  'database.available': { meter: 'database', resource: 'db1', app: 'web', level: 1, sizeTenths: 6 },
  'database.resized': {
    meter: 'database',
    resource: 'db1',
    app: undefined,
    level: 1,
    sizeTenths: 17,
  },
  'database.deleted': {
    meter: 'database',
    resource: 'db1',
    app: undefined,
    level: 0,
    sizeTenths: 0,
  },
  'database.rows_observed': undefined,
  'job.started': { meter: 'job', resource: 'j1', app: 'web', level: 1, sizeTenths: 160 },
  'job.finished': { meter: 'job', resource: 'j1', app: 'web', level: 0, sizeTenths: 0 },
};

test.each(VALID)('$type says what the level is from then on, or nothing (D1)', ({ type, fact }) => {
  expect(Object.keys(CHANGES)).toContain(type);
  expect(levelChangeOf(fact)).toEqual(CHANGES[type]);
});
