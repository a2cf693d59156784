import axe from 'axe-core';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DESKTOP,
  enter,
  follow,
  openBrowser,
  openWindow,
  PATIENCE_MS,
  PHONE,
  program,
  shoot,
} from './support/browser.ts';
import { NASTY, openSite, type Site } from './support/site.ts';

const MOST_BYTES = 100_000;

describe.skipIf(program === undefined)('pages in a browser', { timeout: PATIENCE_MS }, () => {
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite(), openBrowser()]);
  }, PATIENCE_MS);
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
    await enter(page, site, account);
    await inspect(page, errors, name);
    await page.goto(`${page.url()}?levels=1&what=new-app&replicas=3&size=0.5`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await inspect(page, errors, `${name}-levels-dark`);
    if (account !== 'hobby') {
      await follow(page, async () => await page.click('#invoices td a'));
      await follow(page, async () => await page.click('a.more'));
      await inspect(page, errors, `${name}-invoice`);
    }
    await context.close();
  });

  test('a quote answers while it is typed, under a policy without inline scripts', async () => {
    const { context, page, errors } = await openWindow(browser);
    await enter(page, site, 'acme');
    await page.fill('[name=replicas]', '4');
    await page.waitForSelector('#quote-answer table');
    expect(errors).toEqual([]);
    await context.close();
  });

  test('numbers stand under the pointer, and add up as the table says', async () => {
    const { context, page, errors } = await openWindow(browser);
    await enter(page, site, 'acme');
    await page.hover('.hit >> nth=3');
    const tip = (await page.textContent('.tip:not([hidden])'))!.split('\n');
    await page.click('summary');
    const row = await page.locator('.numbers tbody tr').nth(3).locator('th, td').allTextContents();
    const [day, ...amounts] = row;
    expect(tip[0]).toBe(`${day}: ${amounts.at(-2)}`);
    const used = amounts.slice(0, -2).filter((amount) => amount !== '$0.00');
    expect(tip.slice(1).map((line) => line.split(' ').at(-1))).toEqual(used);
    await shoot(page, 'acme-tip-and-table');
    expect(errors).toEqual([]);
    await context.close();
  });

  test('without scripts a bill is whole: its levels, its quotes, its segments', async () => {
    const { context, page } = await openWindow(browser, { javaScriptEnabled: false });
    await enter(page, site, 'acme');
    await follow(page, async () => await page.click('text=Show what ran when'));
    expect(await page.locator('.step').count()).toBeGreaterThan(2);
    await page.selectOption('[name=what]', 'app:web');
    await page.fill('[name=replicas]', '6');
    await page.fill('[name=size]', '1');
    await follow(page, async () => await page.click('text=Show >> nth=-1'));
    expect(await page.textContent('#quote-answer')).toContain('for a whole period');
    await page.fill('[name=size]', '0.3');
    await page.selectOption('[name=what]', 'database:web-db');
    await follow(page, async () => await page.click('#quote button'));
    expect(await page.textContent('#quote-answer')).toMatch(/size of a database is/);
    await follow(page, async () => await page.click('#invoices td a'));
    await follow(page, async () => await page.click('a.more'));
    expect(await page.locator('#segments tbody tr').count()).toBeGreaterThan(1);
    await context.close();
  });

  test('everything is reached by keyboard, and is seen to be', async () => {
    const { context, page } = await openWindow(browser);
    await enter(page, site, 'acme');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    const wanted = await page
      .locator('a, button, input:not([type=hidden]), select, summary')
      .count();
    const reached = (await page.evaluate('[]')) as string[];
    for (let press = 0; press < 3 * wanted; press += 1) {
      const [name, outline] = (await page.evaluate(`(() => {
        const at = document.activeElement;
        return [at.matches('a, button, input, select, summary') ? at.outerHTML : '',
          getComputedStyle(at).outlineStyle];
      })()`)) as [string, string];
      if (name !== '' && !reached.includes(name)) {
        reached.push(name);
        expect([name, outline]).toEqual([name, 'solid']);
      }
      await page.keyboard.press('Tab');
    }
    expect(reached.length).toBeGreaterThanOrEqual(wanted - 2);
    await page.focus('[name=replicas]');
    await page.keyboard.type('4');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#quote-answer table');
    await context.close();
  });

  test('an operator credits an account after being asked once more, and it is written down', async () => {
    // Without scripts: nothing an operator does needs them.
    const { context, page } = await openWindow(browser, { javaScriptEnabled: false });
    await enter(page, site);
    await page.goto(`${site.url}/operator/accounts/hobby`);
    await page.fill('[name=amount] >> nth=0', '12.50');
    await page.fill('[name=reason] >> nth=0', 'outage');
    await follow(page, async () => await page.click('text=Give credit …'));
    await shoot(page, 'confirm');
    await follow(page, async () => await page.click('main button'));
    expect(await page.textContent('[role=status]')).toBe('$12.50 of credit is given.');
    await page.goto(`${site.url}/operator/actions`);
    expect(await page.textContent('tbody tr')).toContain('alice');
    await context.close();
  });

  test('the pages of an operator are readable and whole', async () => {
    const { context, page, errors } = await openWindow(browser);
    await enter(page, site);
    // By what there is to click, as people do.
    const steps = [
      [undefined, 'today'],
      ['nav >> text=Accounts', 'accounts'],
      ['td >> text=acme', 'account'],
      ['text=bill, card and invoices', 'bill'],
      ['text=Timeline and actions', 'account-again'],
      ['nav >> text=Events', 'events'],
      ['nav >> text=Actions', 'actions'],
    ] as const;
    for (const [link, name] of steps) {
      if (link !== undefined) await follow(page, async () => await page.click(link));
      await inspect(page, errors, `operator-${name}`);
    }
    await context.close();
  });

  test('the pages to sign in say what to do, and what was wrong', async () => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(`${site.url}/`);
    await inspect(page, errors, 'sign-in');
    await page.fill('[name=key]', 'gm_wrong');
    await follow(page, async () => await page.click('main button'));
    expect(await page.textContent('[role=alert]')).toMatch(/key/);
    await shoot(page, 'sign-in-refused');
    await page.goto(await site.link('acme'));
    await shoot(page, 'sign-in-link');
    await context.close();
  });

  test('a printed invoice is one clean page', async () => {
    const { context, page } = await openWindow(browser);
    await enter(page, site, 'acme');
    await page.emulateMedia({ media: 'print' });
    await shoot(page, 'acme-print');
    await page.emulateMedia({ media: 'screen' });
    await follow(page, async () => await page.click('#invoices td a'));
    // Whoever likes it dark prints in black on white, too.
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    for (const property of ['color', 'background-color']) {
      const seen = await page.evaluate(
        `[...document.querySelectorAll('main *')].map((one) => getComputedStyle(one)['${property}'])`,
      );
      const shades = new Set(seen as string[]);
      shades.delete('rgba(0, 0, 0, 0)');
      const allowed =
        property === 'color' ? ['rgb(0, 0, 0)', 'rgb(68, 68, 68)'] : ['rgb(255, 255, 255)'];
      expect([property, [...shades].filter((shade) => !allowed.includes(shade))]).toEqual([
        property,
        [],
      ]);
    }
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
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
    await enter(page, site, 'hobby');
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
