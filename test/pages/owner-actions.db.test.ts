import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  enter,
  follow,
  openBrowser,
  openWindow,
  PATIENCE_MS,
  program,
  shoot,
  SIZE_NAMES,
  SIZES,
} from './support/browser.ts';
import { inspect } from './support/inspect.ts';
import { openSite, type Site } from './support/site.ts';

const options = { timeout: PATIENCE_MS };
const isMissing = program === undefined;

describe.skipIf(isMissing).each(SIZE_NAMES)('what an owner does, at %s width', options, (size) => {
  const viewport = SIZES[size];
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite(), openBrowser()]);
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test('a key that is wrong is refused; one that is good signs in, until they sign out', async () => {
    const { context, page, errors } = await openWindow(browser, { viewport });
    await page.goto(`${site.url}/account/acme`);
    await page.fill('[name=key]', 'gm_wrong');
    await follow(page, async () => await page.click('main button'));
    expect(await page.textContent('[role=alert]')).toMatch(/key/);
    await inspect(page, errors, 'sign-in-refused', [size]);
    await page.fill('[name=key]', await site.api.accountKey('acme'));
    await follow(page, async () => await page.keyboard.press('Enter'));
    expect(page.url()).toBe(`${site.url}/account/acme`);
    await follow(page, async () => await page.click('text=Sign out'));
    await page.goto(`${site.url}/account/acme`);
    expect(page.url()).toContain('/sign-in');
    await context.close();
  });

  test('a link signs in once', async () => {
    const { context, page, errors } = await openWindow(browser, { viewport });
    const link = await site.link('acme');
    await page.goto(link);
    await follow(page, async () => await page.click('text=Continue'));
    expect(page.url()).toBe(`${site.url}/account/acme`);
    await page.goto(link);
    expect(await page.textContent('[role=alert]')).toMatch(/used already/);
    await inspect(page, errors, 'sign-in-used-up', [size]);
    await context.close();
  });

  test('a quote answers while it is typed, under a policy without inline scripts', async () => {
    const { context, page, errors } = await openWindow(browser, { viewport });
    await enter(page, site, 'acme');
    await page.focus('[name=replicas]');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('4');
    await page.waitForSelector('#quote-answer table');
    await page.keyboard.press('Enter');
    await page.selectOption('[name=what]', 'database:web-db');
    await page.waitForSelector('#quote-answer .alert');
    await inspect(page, errors, 'acme-quote-mistake', [size]);
    await context.close();
  });

  test('numbers stand under the pointer, and add up as the table says', async () => {
    const { context, page, errors } = await openWindow(browser, { viewport });
    await enter(page, site, 'acme');
    await page.hover('.hit >> nth=3');
    const tip = (await page.textContent('.tip:not([hidden])'))!.split('\n');
    await shoot(page, `acme-tip-${size}`, false);
    await page.click('summary');
    const row = await page.locator('.numbers tbody tr').nth(3).locator('th, td').allTextContents();
    const [day, ...amounts] = row;
    expect(tip[0]).toBe(`${day}: ${amounts.at(-2)}`);
    const used = amounts.slice(0, -2).filter((amount) => amount !== '$0.00');
    expect(tip.slice(1).map((line) => line.split(' ').at(-1))).toEqual(used);
    await inspect(page, errors, 'acme-table', [size]);
    await context.close();
  });

  test('without scripts a bill is whole: its levels, its quotes, its segments', async () => {
    const { context, page } = await openWindow(browser, { viewport, javaScriptEnabled: false });
    await enter(page, site, 'acme');
    await follow(page, async () => await page.click('text=Show what ran when'));
    expect(await page.locator('.step').count()).toBeGreaterThan(2);
    await page.selectOption('[name=what]', 'app:web');
    await page.fill('[name=replicas]', '6');
    await page.fill('[name=size]', '1');
    await follow(page, async () => await page.click('#quote button'));
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

  test("an invoice's PDF and its page at Stripe are there", async () => {
    const { context, page } = await openWindow(browser, { viewport });
    await enter(page, site, 'acme');
    const pdf = await page.locator('#invoices >> text=PDF').getAttribute('href');
    const answer = await context.request.get(pdf!);
    expect([answer.status(), answer.headers()['content-type']]).toEqual([200, 'application/pdf']);
    await follow(page, async () => await page.click("#invoices >> text=Stripe's page"));
    expect(await page.textContent('body')).toContain('$179.18');
    await context.close();
  });

  test('a card is set at Checkout, and the bill comes back with it', async () => {
    const { context, page, errors } = await openWindow(browser, { viewport });
    await enter(page, site, 'hobby');
    await page.click('text=Set a card at Stripe');
    await page.waitForURL((url) => !url.href.startsWith(site.url));
    await shoot(page, `checkout-${size}`);
    await page.click('text=Use this card');
    await page.waitForURL((url) => url.href.startsWith(site.url));
    await inspect(page, errors, 'hobby-card-is-coming', [size]);
    await site.api.world.hear();
    await follow(page, async () => await page.click('text=Look again'));
    expect(await page.textContent('#card')).toContain('4242');
    await context.close();
  });

  test('the way to Checkout is there for browsers that do not go by themselves', async () => {
    const { context, page, errors } = await openWindow(browser, { viewport });
    // The browser would be gone before anybody looked.
    await context.route('**/account/hobby/checkout', async (route) => {
      const answer = await route.fetch();
      const body = (await answer.text()).replace(/<meta http-equiv="refresh"[^>]*>/, '');
      await route.fulfill({ response: answer, body });
    });
    await enter(page, site, 'hobby');
    await follow(page, async () => await page.click('#card button'));
    await inspect(page, errors, 'to-stripe', [size]);
    expect(await page.getAttribute('main a', 'href')).toContain('/checkout/');
    await context.close();
  });
});
