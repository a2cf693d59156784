import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser } from 'playwright-core';
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

describe.skipIf(program === undefined)("BullMQ's board", { timeout: PATIENCE_MS }, () => {
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite({ hasQueues: true }), openBrowser()]);
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test.each(SIZE_NAMES)(
    'at %s width is reached from the pages of operators, with their session, asks nobody else for anything, and leads back',
    async (size) => {
      const { context, page, errors } = await openWindow(browser, { viewport: SIZES[size] });
      const foreign: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(site.url)) foreign.push(request.url());
      });
      await enter(page, site);
      await inspect(page, errors, 'operator-with-queues', [size]);
      await follow(page, async () => await page.click('nav >> text=Queues'));
      await page.waitForSelector('text=events');
      await page.waitForSelector('text=Loading', { state: 'detached' });
      await shoot(page, `board-${size}`);
      expect(foreign).toEqual([]);
      expect(errors).toEqual([]);
      await page.locator('header [aria-haspopup=menu]').first().click();
      await follow(page, async () => await page.click('text=Back to gigameter'));
      expect(page.url()).toBe(`${site.url}/operator`);
      await context.close();
    },
  );

  test('is refused to owners of accounts, and to nobody in particular', async () => {
    const { context, page } = await openWindow(browser);
    const board = `${site.url}/operator/queues`;
    await page.goto(board);
    expect(page.url()).toContain('/sign-in');
    await enter(page, site, 'acme');
    for (const path of ['', '/api/queues']) {
      expect((await page.goto(board + path))?.status()).toBeGreaterThanOrEqual(403);
    }
    await context.close();
  });
});
