import axe from 'axe-core';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DESKTOP, openBrowser, openWindow, PHONE, program, shoot } from './support/browser.ts';
import { NASTY, openSite, type Site } from './support/site.ts';

const MOST_BYTES = 100_000;

describe.skipIf(program === undefined)('pages in a browser', () => {
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite(), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** Small, without scripts of others, nothing cut off at the side, nothing serious for axe. */
  async function inspect(page: Page, errors: readonly string[], name: string): Promise<void> {
    const [entry] = await page.evaluate(() =>
      performance
        .getEntriesByType('navigation')
        .map((one) => (one as unknown as { decodedBodySize: number }).decodedBodySize),
    );
    expect(entry).toBeLessThan(MOST_BYTES);
    for (const [size, width] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      await page.setViewportSize(width);
      const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect([name, size, wide]).toEqual([name, size, 0]);
      await shoot(page, `${name}-${size}`);
    }
    await page.evaluate(axe.source);
    const found = (await page.evaluate(
      `axe.run().then(({ violations }) => violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
    )) as string[];
    expect([name, found]).toEqual([name, []]);
    expect([name, errors]).toEqual([name, []]);
    await page.setViewportSize(DESKTOP);
  }

  test.each([
    ['acme', 'acme'],
    ['hobby', 'hobby'],
    ['nasty', NASTY],
  ])('the pages of account %s are readable and whole', async (name, account) => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(await site.link(account));
    await page.click('text=Continue');
    await inspect(page, errors, name);
    await page.goto(`${page.url()}?levels=1&what=new-app&replicas=3&size=0.5`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await inspect(page, errors, `${name}-levels-dark`);
    if (account !== 'hobby') {
      await page.click('#invoices td a');
      await page.click('a.more');
      await inspect(page, errors, `${name}-invoice`);
    }
    await context.close();
  });

  test('a quote answers while it is typed, under a policy without inline scripts', async () => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(await site.link('acme'));
    await page.click('text=Continue');
    await page.fill('[name=replicas]', '4');
    await page.waitForSelector('#quote-answer table');
    expect(errors).toEqual([]);
    await context.close();
  });

  test('an operator credits an account after being asked once more, and it is written down', async () => {
    // Without scripts: nothing an operator does needs them.
    const { context, page } = await openWindow(browser, { javaScriptEnabled: false });
    await page.goto(await site.link());
    await page.click('text=Continue');
    await page.goto(`${site.url}/operator/accounts/hobby`);
    await page.fill('[name=amount] >> nth=0', '12.50');
    await page.fill('[name=reason] >> nth=0', 'outage');
    await page.click('text=Give credit …');
    await shoot(page, 'confirm');
    await page.click('main button');
    expect(await page.textContent('[role=status]')).toBe('$12.50 of credit is given.');
    await page.goto(`${site.url}/operator/actions`);
    expect(await page.textContent('tbody tr')).toContain('alice');
    await context.close();
  });

  test('the pages of an operator are readable and whole', async () => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(await site.link());
    await page.click('text=Continue');
    for (const path of ['', '/accounts?q=a', '/accounts/acme', '/events', '/actions']) {
      await page.goto(`${site.url}/operator${path}`);
      await inspect(page, errors, `operator${path.replaceAll(/[/?=]/g, '-')}`);
    }
    await context.close();
  });

  test('the pages to sign in say what to do, and what was wrong', async () => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(`${site.url}/`);
    await inspect(page, errors, 'sign-in');
    await page.fill('[name=key]', 'gm_wrong');
    await page.click('main button');
    expect(await page.textContent('[role=alert]')).toMatch(/key/);
    await shoot(page, 'sign-in-refused');
    await page.goto(await site.link('acme'));
    await shoot(page, 'sign-in-link');
    await context.close();
  });

  test('a printed invoice is one clean page', async () => {
    const { context, page } = await openWindow(browser);
    await page.goto(await site.link('acme'));
    await page.click('text=Continue');
    await page.click('#invoices td a');
    await page.emulateMedia({ media: 'print' });
    await shoot(page, 'acme-invoice-print');
    for (const aside of ['nav', 'form', 'button']) {
      const seen = await page
        .locator(aside)
        .evaluateAll(
          (all) =>
            all.filter((one) => (one as { offsetHeight?: number }).offsetHeight !== 0).length,
        );
      expect([aside, seen]).toEqual([aside, 0]);
    }
    const pdf = await page.pdf({ format: 'A4' });
    expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)).toHaveLength(1);
    await context.close();
  });

  test('a card is set at Checkout, and the bill comes back with it', async () => {
    const { context, page } = await openWindow(browser);
    await page.goto(await site.link('hobby'));
    await page.click('text=Continue');
    await page.click('text=/Set a card|Set the card|Add a card/');
    await page.waitForURL((url) => !url.href.startsWith(site.url));
    await shoot(page, 'checkout');
    await page.click('text=Use this card');
    await page.waitForURL((url) => url.href.startsWith(site.url));
    await site.api.world.hear();
    await page.reload();
    expect(await page.textContent('#card')).toContain('4242');
    await context.close();
  });
});
