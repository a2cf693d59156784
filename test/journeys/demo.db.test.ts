import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { gigameter } from '../support/command.ts';

// Not under /tmp: the embedded server's user must reach it, also where /tmp is private.
const dataDir = path.resolve(`.data/test-demo-${process.pid}`);
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

type Shown = {
  readonly accounts: readonly {
    readonly account: string;
    readonly tier: string;
    readonly usage: readonly object[];
    readonly invoices: readonly {
      readonly state: string;
      readonly paid: boolean;
      readonly total_cents: number;
      readonly lines: readonly { readonly kind: string; readonly amount_cents: number }[];
    }[];
  }[];
  readonly trouble: object;
};

async function demo(): Promise<Shown> {
  const { code, stdout, stderr } = await gigameter(['demo', '--exit', '--json'], {
    DATA_DIR: dataDir,
    STRIPE_API_KEY: '',
  });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Shown;
}

test('the demo bills its platform through the real parts, the same in a second run', async () => {
  const first = await demo();
  const of = (name: string) => first.accounts.find(({ account }) => account === name)!;
  const totals = (name: string) => of(name).invoices.map(({ total_cents }) => total_cents);

  expect(totals('docs-25.00')).toEqual([2500]);
  expect(totals('docs-161.29')).toEqual([16129]);
  expect(of('docs-161.29').invoices[0]).toMatchObject({ state: 'paid', paid: true });

  expect(of('hobby')).toMatchObject({ tier: 'FREE', invoices: [] });
  expect(of('hobby').usage).toHaveLength(2);

  expect(of('startup').invoices[0]?.lines.map(({ kind }) => kind)).toContain('database');
  expect(of('startup').invoices.every(({ paid }) => paid)).toBe(true);

  expect(of('declined').invoices.length).toBeGreaterThan(0);
  expect(of('declined').invoices.every(({ state }) => state === 'open')).toBe(true);

  const cron = of('tiny-cron').invoices;
  expect(cron[0]).toMatchObject({ state: 'settled', total_cents: 0 });
  expect(
    cron[1]?.lines.some(({ kind, amount_cents }) => kind === 'carried' && amount_cents > 0),
  ).toBe(true);

  expect(of('bakery').invoices.map(({ state }) => state)).toEqual(['paid', 'paid']);

  // What an operator finds on the page of the day.
  expect(first.trouble).toEqual({
    parked: 1,
    quarantined: 1,
    silent_sources: ['build-cluster'],
    drift: [{ account: 'busy-shop', kind: 'customer_balance', cents: expect.any(Number) }],
  });

  const states = ({ accounts }: Shown) =>
    accounts.map(({ account, invoices }) => [account, invoices.map(({ state }) => state)]);
  expect(states(await demo())).toEqual(states(first));
}, 900_000);
