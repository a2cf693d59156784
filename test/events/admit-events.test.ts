import { describe, expect, test } from 'vitest';
import { admitEvents } from '../../src/events/admit-events.ts';
import type { Event, Fact } from '../../src/events/event.ts';
import type { Outcome } from '../../src/events/outcome.ts';
import { describeRefusal } from '../../src/events/refusal.ts';
import { event } from '../support/facts.ts';

const signUp = event('2026-01-01T00:00:00Z', { type: 'account.created', email: 'a@example.com' });
const web = event('2026-01-01T00:00:00Z', { type: 'app.created', app: 'web' });
const available: Fact = { type: 'database.available', app: 'web', database: 'db1', sizeTenths: 6 };

function later(fact: Fact, changes: Partial<Event> = {}): Event {
  return event('2026-01-10T00:00:00Z', fact, changes);
}

function said(outcome: Outcome): string {
  if (outcome.status === 'refused') {
    return `${outcome.refusal.code}: ${describeRefusal(outcome.refusal)}`;
  }
  if (outcome.status !== 'parked') return outcome.status;
  return `waits for ${outcome.waitsFor.kind} ${outcome.waitsFor.name}`;
}

function outcomesOf(...events: readonly Event[]): string[] {
  return admitEvents(events).outcomes.map(said);
}

describe('what waits (R61)', () => {
  test('is recorded when its account, app and database appear, whatever the order', () => {
    const resized = later({ type: 'database.resized', database: 'db1', sizeTenths: 17 });
    const events = [resized, later(available), web, signUp];
    expect(outcomesOf(...events)).toEqual(['recorded', 'recorded', 'recorded', 'recorded']);
    expect(admitEvents(events).byAccount.get('acme')?.events).toHaveLength(4);
  });

  test.each<[string, Fact]>([
    ['app ghost', { type: 'app.deleted', app: 'ghost' }],
    ['app ghost', { ...available, app: 'ghost' }],
    ['app ghost', { type: 'job.started', app: 'ghost', job: 'j', sizeTenths: 2 }],
    ['app ghost', { type: 'job.finished', app: 'ghost', job: 'j' }],
    ['database ghost', { type: 'database.resized', database: 'ghost', sizeTenths: 6 }],
    ['database ghost', { type: 'database.deleted', database: 'ghost' }],
    ['database ghost', { type: 'database.rows_observed', database: 'ghost', rows: 1 }],
  ])('waits for %s as long as it does not appear: %j', (waitsFor, fact) => {
    expect(outcomesOf(signUp, web, later(fact))).toEqual([
      'recorded',
      'recorded',
      `waits for ${waitsFor}`,
    ]);
  });

  test('waits for its account first, and counts for nobody meanwhile', () => {
    const elsewhere = later({ type: 'app.created', app: 'web' }, { account: 'nobody' });
    expect(outcomesOf(signUp, elsewhere)).toEqual(['recorded', 'waits for account nobody']);
    expect(admitEvents([signUp, elsewhere]).byAccount.has('nobody')).toBe(false);
  });

  test('is not helped by an app or database of the same name in another account', () => {
    const other = { account: 'other' };
    const theirs = [
      event('2026-01-01T00:00:00Z', { type: 'account.created', email: 'b@example.com' }, other),
      event('2026-01-01T00:00:00Z', { type: 'app.created', app: 'web' }, other),
      later(available, other),
    ];
    const ours = [
      signUp,
      later({ type: 'app.deleted', app: 'web' }),
      later({ type: 'database.deleted', database: 'db1' }),
    ];
    expect(outcomesOf(...theirs, ...ours).slice(3)).toEqual([
      'recorded',
      'waits for app web',
      'waits for database db1',
    ]);
  });

  test.each<Fact>([
    { type: 'app.created', app: 'api' },
    { type: 'app.deployed', app: 'api', replicas: 1, sizeTenths: 2 },
    { type: 'app.scaled', app: 'api', replicas: 1, sizeTenths: 2 },
  ])('an app becomes known by $type (R12)', (fact) => {
    const job: Fact = { type: 'job.started', app: 'api', job: 'j', sizeTenths: 2 };
    expect(outcomesOf(signUp, later(fact), later(job))).toEqual([
      'recorded',
      'recorded',
      'recorded',
    ]);
  });
});

describe('an identity (R57)', () => {
  const scaled: Fact = { type: 'app.scaled', app: 'web', replicas: 2, sizeTenths: 5 };
  const first = later(scaled, { id: '7' });

  test('that comes again with the same content is a duplicate, and is recorded once', () => {
    expect(outcomesOf(signUp, first, { ...first })).toEqual(['recorded', 'recorded', 'duplicate']);
    expect(admitEvents([signUp, first, { ...first }]).byAccount.get('acme')?.events).toHaveLength(
      2,
    );
  });

  test('that comes again with a sequence of the same number is a duplicate', () => {
    const one = { ...first, sequence: '12' };
    expect(outcomesOf(signUp, one, { ...one, sequence: '012' })[2]).toBe('duplicate');
  });

  test.each<[string, Partial<Event>]>([
    ['level', { fact: { ...scaled, replicas: 3 } }],
    ['type', { fact: { ...scaled, type: 'app.deployed' } }],
    ['instant', { occurredAt: { ...first.occurredAt, second: first.occurredAt.second + 1n } }],
    ['fraction', { occurredAt: { ...first.occurredAt, fraction: '5' } }],
    ['sequence', { sequence: '1' }],
  ])('that comes again with another %s is refused, and the first stays', (_what, changes) => {
    const admitted = admitEvents([signUp, first, { ...first, ...changes }]);
    expect(said(admitted.outcomes[2]!)).toBe(
      'id_reused: id is "7"; it must be new for source "controller": ' +
        'an event with this id and other content is recorded already',
    );
    expect(admitted.byAccount.get('acme')?.events).toEqual([signUp, first]);
  });

  test('is that of one source and one account: others may use the same id', () => {
    const created = { type: 'account.created', email: 'b@example.com' } as const;
    const other = event('2026-01-01T00:00:00Z', created, { account: 'other' });
    expect(
      outcomesOf(
        signUp,
        other,
        first,
        { ...first, source: 'another' },
        { ...first, account: 'other' },
      ),
    ).toEqual(['recorded', 'recorded', 'recorded', 'recorded', 'recorded']);
  });
});

describe('an account', () => {
  test('is created once: another sign-up under its name is refused', () => {
    const again = later({ type: 'account.created', email: 'b@example.com' });
    expect(outcomesOf(signUp, again)[1]).toBe(
      'account_exists: data.account is "acme"; it must be a new account: ' +
        'this one signed up at 2026-01-01T00:00:00Z by another event',
    );
  });

  test('knows nothing from before its sign-up, and all from that second on', () => {
    const fact: Fact = { type: 'app.created', app: 'early' };
    const early = event('2025-12-31T23:59:59.5Z', fact);
    const sameSecond = event('2026-01-01T00:00:00Z', fact);
    expect(outcomesOf(signUp, early, sameSecond)).toEqual([
      'recorded',
      'before_sign_up: time is "2025-12-31T23:59:59.5Z"; ' +
        "it must not be before the account's sign-up at 2026-01-01T00:00:00Z",
      'recorded',
    ]);
  });
});

describe('a database', () => {
  test('belongs to the app it was first reported for', () => {
    const api = later({ type: 'app.created', app: 'api' });
    const moved = later({ ...available, app: 'api' });
    expect(outcomesOf(signUp, web, api, later(available), moved)[4]).toBe(
      'database_of_other_app: data.app is "api"; it must be "web", the app this database belongs to',
    );
  });

  test('ends with its app in the same second, by a fact of its own (R56)', () => {
    const deleted = later({ type: 'app.deleted', app: 'web' }, { sequence: '4' });
    const others = [
      later({ type: 'app.created', app: 'api' }),
      later({ ...available, app: 'api', database: 'db2' }),
    ];
    const given = [signUp, web, later(available), ...others, deleted];
    const derived = admitEvents(given).byAccount.get('acme')!.events.slice(given.length);
    expect(derived).toEqual([
      {
        account: 'acme',
        source: 'gigameter',
        id: expect.stringMatching(new RegExp(`^${deleted.id} !end-[0-9a-f]{32}$`)),
        occurredAt: deleted.occurredAt,
        sequence: '4',
        fact: { type: 'database.deleted', database: 'db1' },
      },
    ]);
  });

  test('ends with its app also when it is reported after that', () => {
    const deleted = later({ type: 'app.deleted', app: 'web' });
    const admitted = admitEvents([signUp, web, deleted, later(available)]);
    expect(admitted.byAccount.get('acme')!.events.at(-1)).toMatchObject({
      source: 'gigameter',
      fact: { type: 'database.deleted', database: 'db1' },
    });
  });
});
