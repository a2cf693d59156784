import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { actionForm } from '../../src/pages/operator/actions/actions.ts';
import {
  enter,
  follow,
  openBrowser,
  openWindow,
  PATIENCE_MS,
  program,
  SIZE_NAMES,
  SIZES,
} from './support/browser.ts';
import { inspect } from './support/inspect.ts';
import { openSite, type Site } from './support/site.ts';

const options = { timeout: PATIENCE_MS };

const isMissing = program === undefined;

describe.skipIf(isMissing).each(SIZE_NAMES)('what an operator does, %s', options, (size) => {
  let site: Site;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** With scripts, which whoever inspects a page needs. */
  let eye: Awaited<ReturnType<typeof openWindow>>;
  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite(), openBrowser()]);
    // Without scripts: nothing an operator does needs them.
    const window = { viewport: SIZES[size], javaScriptEnabled: false };
    ({ context, page } = await openWindow(browser, window));
    await enter(page, site);
    eye = await openWindow(browser, { storageState: await context.storageState() });
  }, PATIENCE_MS);
  afterAll(async () => {
    await eye?.context.close();
    await context?.close();
    await browser?.close();
    await site?.close();
  });

  async function look(name: string): Promise<void> {
    await eye.page.goto(page.url());
    await inspect(eye.page, eye.errors, name, [size]);
  }

  async function open(account: string): Promise<void> {
    await page.goto(`${site.url}/operator/accounts/${account}`);
  }

  /** Fills the form with this button, presses it, confirms, and reads what came of it. */
  async function act(button: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const form = page.locator('form', { has: page.locator(`button:text-is("${button}")`) }).first();
    for (const [name, value] of Object.entries(fields)) {
      await form.locator(`[name=${name}]`).fill(value);
    }
    await follow(page, async () => await form.locator('button').click());
    return await confirm();
  }

  async function confirm(): Promise<string> {
    const kind = new URL(page.url()).searchParams.get('kind')!;
    await look(`operator-confirm-${kind}`);
    const before = await site.api.db.selectFrom('operator_action').select('action_id').execute();
    await follow(page, async () => await page.click('main button'));
    const after = await site.api.db.selectFrom('operator_action').select('actor').execute();
    expect(after.length).toBe(before.length + 1);
    expect(after.every(({ actor }) => actor === 'alice')).toBe(true);
    await look(`operator-outcome-${kind}`);
    return (await page.textContent('[role=status], [role=alert]')) ?? '';
  }

  async function setCard(accountId: string, token: string): Promise<void> {
    await setPaymentMethod(site.api.world.context, { accountId, source: { token } });
  }

  test('credit is given once, and stands in the timeline', async () => {
    await open('hobby');
    const said = await act('Give credit …', { amount: '12.50', reason: 'outage' });
    expect(said).toBe('$12.50 of credit is given.');
    await page.reload();
    expect(await page.textContent('table')).toContain('outage, by alice');
    const { rows } = await site.api.world.database.pool.query<{ cents: bigint }>(
      `select sum(amount_cents)::bigint as cents from ledger_entry
       where account_id = 'hobby' and book = 'credit'`,
    );
    expect(rows).toEqual([{ cents: 1250n }]);
  });

  test('money back is refused beyond its rules, and says which', async () => {
    await open('acme');
    const said = await act('Give money back …', { amount: '5.00', reason: 'unhappy' });
    expect(said).toMatch(/31 days/);
  });

  test('an amount that is none is told before anything is asked', async () => {
    await open('acme');
    await page.fill('[name=amount] >> nth=0', 'ten');
    await page.fill('[name=reason] >> nth=0', 'x');
    await page.click('text=Give credit …');
    expect(page.url()).toContain('/operator/accounts/acme');
    expect(await page.locator('[name=amount]:invalid').count()).toBe(2);
  });

  test('accounts are found by how they begin, by e-mail address and by what is in them', async () => {
    for (const [text, found] of [
      ['brok', ['broke']],
      ['owner@acme', ['acme']],
      ['obb', ['hobby']],
      ['nobody', []],
    ] as const) {
      await page.goto(`${site.url}/operator/accounts`);
      await page.fill('[name=q]', text);
      await follow(page, async () => await page.keyboard.press('Enter'));
      expect(await page.locator('td:first-child').allTextContents()).toEqual(found);
    }
    await look('operator-accounts-none');
  });

  test('what is unpaid is tried again: with the same card in vain, with a good one it is paid', async () => {
    await open('broke');
    expect(await act('Try the payment again …', {})).toBe(
      'Not done: 0 of 1 open invoice paid; the timeline says why.',
    );
    expect(await page.textContent('table')).toContain('declined');
    await setCard('broke', 'tok_visa');
    await open('broke');
    expect(await act('Try the payment again …', {})).toBe('1 invoice paid.');
    expect(await page.textContent('h1')).not.toContain('past due');
    await open('broke');
    expect(await page.locator('button >> text=Try the payment again').count()).toBe(0);
    // As from a page that was opened before.
    await page.goto(`${site.url}/operator/confirm?kind=collect&account=broke`);
    await follow(page, async () => await page.click('main button'));
    expect(await page.textContent('[role=status]')).toBe(
      'Not done: no invoice of the account is open.',
    );
  });

  test('an upgrade needs a card, and happens once', async () => {
    await open('hobby');
    expect(await act('Upgrade to the standard tier …', {})).toMatch(/payment method|card/);
    await setCard('hobby', 'tok_visa');
    await open('hobby');
    expect(await act('Upgrade to the standard tier …', {})).toMatch(/standard tier from now on/);
    expect(await page.textContent('h1')).toContain('STANDARD');
  });

  test('an event is superseded from the timeline, by nothing and by something else', async () => {
    for (const [fields, said] of [
      [{ reason: 'reported by mistake' }, 'The event counts no more.'],
      [{ reason: 'wrong size', replicas: '1', size: '0.5' }, 'The event counts as corrected.'],
    ] as const) {
      await open('acme');
      await follow(page, async () => await page.click('text=supersede …'));
      expect(await act('Supersede an event …', fields)).toBe(said);
    }
    expect(await page.locator('del').count()).toBe(2);
  });

  test('events that were not recorded are tried again where they stand', async () => {
    const retry = async (section: string): Promise<string> => {
      await page.goto(`${site.url}/operator/events`);
      const retryButton = page.locator('section', { hasText: section }).locator('text=Retry …');
      await follow(page, async () => await retryButton.first().click());
      return await confirm();
    };
    expect(await retry('Parked')).toMatch(/^Not done: it still waits/);
    expect(await retry('Quarantined')).toMatch(/^Not done: it is still refused.*must/);
  });

  test('everything that was done is listed, with who, what and what came of it', async () => {
    await page.goto(`${site.url}/operator/actions`);
    await look('operator-actions-done');
    const listed = await page.locator('tbody tr').allTextContents();
    expect(listed.length).toBeGreaterThanOrEqual(11);
    expect(listed.every((text) => text.includes('alice'))).toBe(true);
    const done = await site.api.db.selectFrom('operator_action').select('kind').execute();
    const kinds = new Set(done.map(({ kind }) => kind));
    expect([...kinds].toSorted()).toEqual(
      actionForm.options.map(({ shape }) => shape.kind.value).toSorted(),
    );
  });
});
