import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { gigameter } from '../../support/command.ts';
import { reporter } from '../../support/reports.ts';

const say = reporter();
const folder = mkdtempSync(path.join(tmpdir(), 'estimate-'));

function fileOf(lines: readonly unknown[]): string {
  const file = path.join(folder, `${Math.floor(performance.now() * 1000)}.jsonl`);
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(file, text.join('\n'));
  return file;
}

const acme = 'acme';
const created = say('account.created', '2026-01-31T10:00:00.75Z', {
  account: acme,
  email: 'owner@acme.example',
});
const history = [
  say('app.scaled', '2026-02-10T10:00:00Z', { account: acme, app: 'web', replicas: 3, size: 0.5 }),
  say('app.deployed', '2026-02-01T10:00:00Z', {
    account: acme,
    app: 'web',
    replicas: 1,
    size: 0.5,
  }),
  say('database.available', '2026-03-01T10:00:00Z', {
    account: acme,
    app: 'web',
    database: 'db1',
    size: 0.6,
  }),
  say('account.upgraded', '2026-03-01T10:00:00Z', { account: acme }),
  created,
];

describe('gigameter estimate', () => {
  test('--json prints every period from the sign-up on, the last one open', async () => {
    const file = fileOf([
      ...history,
      '',
      say('account.created', '2026-03-31T00:00:00Z', {
        account: 'other',
        email: 'o@other.example',
      }),
    ]);
    const { code, stdout, stderr } = await gigameter([
      'estimate',
      file,
      '--until',
      '2026-04-01T00:00:00Z',
      '--json',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      accounts: [
        {
          account: 'acme',
          signed_up_at: '2026-01-31T10:00:00Z',
          periods: [
            {
              start: '2026-01-31T10:00:00Z',
              end: '2026-02-28T10:00:00Z',
              tier: 'FREE',
              usage: [{ app: 'web', replica_size_seconds: '2721600' }],
              lines: [],
              total_cents: 0,
            },
            {
              start: '2026-02-28T10:00:00Z',
              end: '2026-03-31T10:00:00Z',
              tier: 'STANDARD',
              usage: [
                { app: 'web', replica_size_seconds: '4017600' },
                { app: 'web', database: 'db1', size: 0.6, seconds: '2592000' },
              ],
              lines: [
                {
                  app: 'web',
                  description: 'App web: 3888000 replica-size-seconds × $0.00001866786',
                  amount_cents: 7258,
                },
                {
                  app: 'web',
                  database: 'db1',
                  description: 'Database db1, size 0.6: 2592000 of 2678400 s × $25.00',
                  amount_cents: 2419,
                },
              ],
              total_cents: 9677,
            },
            {
              start: '2026-03-31T10:00:00Z',
              end: '2026-04-30T10:00:00Z',
              tier: 'STANDARD',
              usage: [
                { app: 'web', replica_size_seconds: '75600' },
                { app: 'web', database: 'db1', size: 0.6, seconds: '50400' },
              ],
              lines: [
                expect.objectContaining({ app: 'web', amount_cents: 141 }),
                expect.objectContaining({ app: 'web', database: 'db1', amount_cents: 49 }),
              ],
              total_cents: 190,
              open: true,
            },
          ],
        },
        {
          account: 'other',
          signed_up_at: '2026-03-31T00:00:00Z',
          periods: [
            {
              start: '2026-03-31T00:00:00Z',
              end: '2026-04-30T00:00:00Z',
              tier: 'FREE',
              usage: [],
              lines: [],
              total_cents: 0,
              open: true,
            },
          ],
        },
      ],
    });
  });

  test('bad lines are named with field, value and rule, the rest is priced, and the exit code says so', async () => {
    const bad = say('app.scaled', '2026-02-30T00:00:00Z', { account: acme, app: 'web' });
    const other = { ...created, data: { account: acme, email: 'else@acme.example' } };
    const orphan = say('job.started', '2026-02-02T00:00:00Z', {
      account: acme,
      app: 'ghost',
      job: 'j',
      size: 1,
    });
    const file = fileOf([...history, bad, 'no json', other, orphan]);
    const { code, stdout, stderr } = await gigameter([
      'estimate',
      file,
      '--until',
      '2026-02-28T10:00:00Z',
    ]);
    expect(code).toBe(2);
    expect(stdout).toContain('app web  2721600 RSS');
    expect(stderr.split('\n').filter(Boolean)).toEqual([
      expect.stringMatching(
        /^line 6 refused: time is "2026-02-30T00:00:00Z"; it must be an RFC 3339/,
      ),
      'line 7 refused: no json is not JSON',
      expect.stringMatching(/^line 8 refused: id is "e-1"; it must be new for source "controller"/),
      'line 9 left out: the app "ghost" never appears',
    ]);
  });

  test.each([
    [['estimate', '/no/such/file'], 3, 'cannot read the events file'],
    [['estimate', '.'], 3, 'cannot read the events file: EISDIR'],
    [['estimate', '/dev/null', '--until', 'yesterday'], 2, '--until is "yesterday"; it must be an'],
    [['estimate'], 2, "missing required argument 'file'"],
    [['estimat', 'x'], 2, "unknown command 'estimat'"],
  ])('%j exits with %i and says why', async (args, exitCode, message) => {
    const { code, stderr, stdout } = await gigameter(args);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('of any length it is printed whole, from a file or from standard input', async () => {
    const names = Array.from({ length: 4000 }, (_, n) => `account-${n}`);
    const lines = names.map((account) =>
      JSON.stringify(say('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@b' })),
    );
    const args = ['--until', '2026-02-01T00:00:00Z', '--json'];
    const read = await gigameter(['estimate', '-', ...args], {}, lines.join('\r\n'));
    expect({ code: read.code, stderr: read.stderr }).toEqual({ code: 0, stderr: '' });
    const { accounts } = JSON.parse(read.stdout) as { accounts: { account: string }[] };
    expect(accounts.map(({ account }) => account)).toEqual(names);
    const file = fileOf(lines);
    expect((await gigameter(['estimate', file, ...args])).stdout).toBe(read.stdout);
  });

  test('a reader who has seen enough is no trouble', async () => {
    const lines = Array.from({ length: 1000 }, (_, n) =>
      say('account.created', '2026-01-01T00:00:00Z', { account: `account-${n}`, email: 'a@b' }),
    );
    const command = `"${process.execPath}" --import tsx src/main.ts estimate ${fileOf(lines)}`;
    const { stdout, stderr } = await promisify(execFile)('bash', [
      '-c',
      `${command} | head -1; echo "\${PIPESTATUS[0]}"`,
    ]);
    expect({ stdout, stderr }).toEqual({
      stdout: 'account-0, signed up 2026-01-01T00:00:00Z\n0\n',
      stderr: '',
    });
  });

  test('a wrong setting is named', async () => {
    const { code, stderr } = await gigameter(['estimate', '/dev/null'], { MAX_REPLICAS: '0' });
    expect(code).toBe(2);
    expect(stderr).toContain('the setting MAX_REPLICAS must be from 1 to 1000000');
  });
});
