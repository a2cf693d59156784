import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser } from 'playwright-core';
import { openBrowser, openWindow, program, shoot } from './support/browser.ts';
import { openSite, type Site } from './support/site.ts';

describe.skipIf(program === undefined)("BullMQ's board", () => {
  let site: Site;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([openSite({ hasQueues: true }), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test('is reached from the pages of operators, with their session', async () => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(await site.link());
    await page.click('text=Continue');
    await shoot(page, 'operator-with-queues');
    await page.click('a[href^="/operator/queues"]');
    await page.waitForSelector('text=/events/i');
    await shoot(page, 'board');
    // It would have its letters from elsewhere; the policy lets it have those of the machine.
    expect(errors.filter((error) => !error.includes('fonts.googleapis.com'))).toEqual([]);
    await context.close();
  });

  test('is refused to owners of accounts, and to nobody in particular', async () => {
    const { context, page } = await openWindow(browser);
    const board = `${site.url}/operator/queues`;
    await page.goto(board);
    expect(page.url()).toContain('/sign-in');
    await page.goto(await site.link('acme'));
    await page.click('text=Continue');
    for (const path of ['', '/api/queues']) {
      expect((await page.goto(board + path))?.status()).toBeGreaterThanOrEqual(403);
    }
    await context.close();
  });
});
