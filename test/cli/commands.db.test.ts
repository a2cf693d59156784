import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { gigameter } from '../support/command.ts';
import { reporter } from '../support/reports.ts';

let database: TestDatabase;
let settings: Record<string, string>;
const say = reporter();
const file = path.join(mkdtempSync(path.join(tmpdir(), 'commands-')), 'events.jsonl');

beforeAll(async () => {
  database = await emptyDatabase();
  settings = { DATABASE_URL: database.url };
  const account = 'acme';
  const events = [
    say('account.created', '2026-01-01T00:00:00Z', { account, email: 'owner@acme.example' }),
    say('account.upgraded', '2026-01-01T00:00:00Z', { account }),
    say('app.deployed', '2026-01-01T00:00:00Z', { account, app: 'web', replicas: 1, size: 0.5 }),
    say('app.scaled', '2026-01-05T00:00:00Z', { account, app: 'web', replicas: -1, size: 0.5 }),
    say('app.scaled', '2026-02-01T00:00:00Z', { account, app: 'web', replicas: 0, size: 0.5 }),
  ];
  writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'));
});
afterAll(async () => await database.drop());

const json = (text: string): unknown => JSON.parse(text);

describe('commands on a database', () => {
  test('migrate says what it applied, and that nothing is left the second time', async () => {
    const first = await gigameter(['migrate', '--json'], settings);
    expect(first.code).toBe(0);
    expect((json(first.stdout) as { applied: string[] }).applied[0]).toBe('0001-metering');
    expect((await gigameter(['migrate'], settings)).stdout).toBe('The schema is up to date.\n');
  });

  test('replay records a file once and names what it refuses', async () => {
    const first = await gigameter(['replay', file, '--json'], settings);
    expect(first.code).toBe(2);
    expect(json(first.stdout)).toEqual({
      recorded: 4,
      duplicate: 0,
      parked: 0,
      refused: 1,
      unreadable: 0,
    });
    expect(first.stderr).toContain('line 4 refused: data.replicas is -1; it must be a whole');
    const second = await gigameter(['replay', file, '--json'], settings);
    expect(json(second.stdout)).toMatchObject({ recorded: 0, duplicate: 4, refused: 1 });
  });

  test('close freezes each ended period once; invoices and usage show it', async () => {
    const closed = await gigameter(
      ['close', '--until', '2026-02-01T00:00:00Z', '--json'],
      settings,
    );
    expect({ code: closed.code, out: json(closed.stdout) }).toEqual({
      code: 0,
      out: { periods: 1, invoices: 1, failures: [] },
    });
    const again = await gigameter(['close', '--until', '2026-02-01T00:00:00Z', '--json'], settings);
    expect(json(again.stdout)).toEqual({ periods: 0, invoices: 0, failures: [] });
    const invoices = await gigameter(['invoices', 'acme', '--json'], settings);
    expect(json(invoices.stdout)).toMatchObject({
      account: 'acme',
      invoices: [
        {
          period_start: '2026-01-01T00:00:00Z',
          period_end: '2026-02-01T00:00:00Z',
          paid: false,
          total_cents: 2500,
          lines: [{ app: 'web', replica_size_seconds: '1339200', amount_cents: 2500 }],
        },
      ],
    });
    const usage = await gigameter(['usage', 'acme', '--json'], settings);
    expect(json(usage.stdout)).toMatchObject({ account: 'acme', tier: 'STANDARD', total_cents: 0 });
  });

  test('a period that has not ended cannot be closed by naming a later instant', async () => {
    const { code, stderr } = await gigameter(
      ['close', '--until', '2999-01-01T00:00:00Z'],
      settings,
    );
    expect(code).toBe(2);
    expect(stderr).toContain('--until is "2999-01-01T00:00:00Z"; it must not be in the future');
  });

  test('an unknown account and an unreachable database have their own exit codes', async () => {
    expect((await gigameter(['usage', 'nobody'], settings)).code).toBe(3);
    const away = await gigameter(['usage', 'acme'], {
      DATABASE_URL: 'postgres://postgres:secret@127.0.0.1:1/none',
    });
    expect(away.code).toBe(7);
    expect(away.stderr).not.toContain('secret');
  });
});
