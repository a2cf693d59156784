import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
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
import { NASTY, openSite, type Site } from './support/site.ts';

const inspected: string[] = [];

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

  async function look(page: Page, errors: readonly string[], name: string): Promise<void> {
    inspected.push(new URL(page.url()).pathname);
    await inspect(page, errors, name);
  }

  /** Its colours are the same at every width. */
  async function lookAtDark(page: Page, errors: readonly string[], name: string): Promise<void> {
    await inspect(page, errors, `${name}-dark`, ['desktop']);
  }

  test.each([
    ['acme', 'acme'],
    ['hobby', 'hobby'],
    ['nasty', NASTY],
    ['broke', 'broke'],
    ['gone', 'gone'],
  ])('the pages of account %s are readable and whole', async (name, account) => {
    const { context, page, errors } = await openWindow(browser);
    if (account === 'gone') await enter(page, site);
    else await enter(page, site, account);
    const bill = `${site.url}/account/${encodeURIComponent(account)}`;
    await page.goto(bill);
    await look(page, errors, name);
    await page.goto(`${bill}?levels=1&what=new-app&replicas=3&size=0.5`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await lookAtDark(page, errors, `${name}-levels`);
    if (account !== 'hobby') {
      await follow(page, async () => await page.click('#invoices td a'));
      await lookAtDark(page, errors, `${name}-invoice`);
      await page.emulateMedia({ colorScheme: 'light' });
      await follow(page, async () => await page.click('a.more'));
      await look(page, errors, `${name}-invoice`);
    }
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
      ['text=supersede', 'account-chosen'],
      ['text=bill, card and invoices', 'bill'],
      ['text=Timeline and actions', undefined],
      ['nav >> text=Events', 'events'],
      ['text=Retry', 'confirm'],
      ['nav >> text=Actions', 'actions'],
    ] as const;
    for (const [colorScheme, lookNow] of [
      ['light', look],
      ['dark', lookAtDark],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [link, name] of steps) {
        if (link === undefined) await page.goto(`${site.url}/`);
        else await follow(page, async () => await page.click(link));
        if (name === 'events') await page.click('summary');
        if (name === undefined) continue;
        await lookNow(page, errors, `operator-${name}`);
      }
    }
    await page.goto(`${site.url}/operator/accounts/${encodeURIComponent(NASTY)}`);
    await look(page, errors, 'operator-account-nasty');
    await context.close();
  });

  test('the pages to sign in, and those that refuse, say what to do', async () => {
    const { context, page, errors } = await openWindow(browser);
    await page.goto(`${site.url}/`);
    await look(page, errors, 'sign-in');
    await page.goto(await site.link('acme'));
    await look(page, errors, 'sign-in-link');
    await enter(page, site, 'acme');
    for (const [unknown, status] of [
      ['/operator', 404],
      ['/account/acme?levels=1&levels=2', 422],
    ] as const) {
      expect((await page.goto(site.url + unknown))?.status()).toBe(status);
      await look(page, errors, `refused-${status}`);
    }
    await context.close();
  });

  test('no page was left out', () => {
    const routes = readdirSync('src/pages', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.tsx'))
      .flatMap((file) => [
        ...readFileSync(path.join('src/pages', file), 'utf8').matchAll(/\.get\('([^'*]+)'/g),
      ])
      .map(([, route = '']) => route);
    // A way to the others, and a part of one.
    const noPages = ['/', '/account/:account/quote'];
    expect(routes).toEqual(expect.arrayContaining(noPages));
    const left = routes
      .filter((route) => !noPages.includes(route))
      .filter((route) => {
        const pattern = new RegExp(`^${route.replaceAll(/:\w+/g, '[^/]+')}$`);
        return !inspected.some((one) => pattern.test(one));
      });
    expect(routes.length).toBeGreaterThan(8);
    expect(left).toEqual([]);
  });

  test.each(SIZE_NAMES)(
    'everything is reached by keyboard, and is seen to be: %s',
    async (size) => {
      const { context, page } = await openWindow(browser, { viewport: SIZES[size] });
      for (const [account, address] of [
        ['acme', ''],
        [undefined, '/operator'],
        [undefined, '/operator/accounts/broke'],
        [undefined, '/operator/events'],
      ] as const) {
        await enter(page, site, account);
        if (address !== '') await page.goto(site.url + address);
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
        const wanted = await page
          .locator('a, button, input:not([type=hidden]), select, summary')
          .count();
        const reached = new Set<string>();
        for (let press = 0; press < 3 * wanted; press += 1) {
          const [place, name, outline] = (await page.evaluate(`(() => {
          const at = document.activeElement;
          const all = [...document.querySelectorAll('a, button, input, select, summary')];
          return [String(all.indexOf(at)), at.outerHTML, getComputedStyle(at).outlineStyle];
        })()`)) as [string, string, string];
          if (place !== '-1') {
            reached.add(place);
            expect([name, outline]).toEqual([name, 'solid']);
          }
          await page.keyboard.press('Tab');
        }
        expect([address, reached.size]).toEqual([address, wanted]);
      }
      await context.close();
    },
  );

  test('a printed invoice is one clean page', async () => {
    const { context, page } = await openWindow(browser);
    await enter(page, site, 'acme');
    await page.setViewportSize(PAPER);
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
    for (const aside of ['nav', 'form', 'button', 'a.more']) {
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
});

/** A4 without its margins. */
const PAPER = { width: 718, height: 1047 };
