import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { Site } from './site.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Written by every run, kept out of git: for people to look at. */
const SCREENSHOTS = path.resolve('artefacts', 'pages');

export const program = findChromium();

function findChromium(): string | undefined {
  const found = PLACES.find((place) => existsSync(place));
  if (found !== undefined) return found;
  if (process.env['CI_REQUIRE_CHROMIUM'] === '1') {
    throw new Error('no chromium was found and CI_REQUIRE_CHROMIUM=1 forbids to skip its tests');
  }
  const bar = '!'.repeat(78);
  console.warn(
    `\n${bar}\n!!  No chromium found: THE TESTS THAT LOOK AT PAGES IN A BROWSER ARE SKIPPED.\n` +
      `!!  Install it to run everything, for example:  apt-get install -y chromium\n${bar}\n`,
  );
  return undefined;
}

/** For a test: what it waits for are conditions, and a busy machine may be slow in fulfilling them. */
export const PATIENCE_MS = 240_000;
/** For one condition. */
const WAIT_MS = 90_000;

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: program!,
    timeout: WAIT_MS,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** Everything is walked in both. */
export const SIZES = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
} as const;
export type Size = keyof typeof SIZES;
export const SIZE_NAMES = ['desktop', 'phone'] as const satisfies readonly Size[];

/** A window of its own, with what went wrong in it: errors of scripts, and what the policy refused. */
export async function openWindow(
  browser: Browser,
  options: NonNullable<Parameters<Browser['newContext']>[0]> = {},
): Promise<{ readonly context: BrowserContext; readonly page: Page; readonly errors: string[] }> {
  const context = await browser.newContext({ viewport: SIZES.desktop, ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const errors: string[] = [];
  // Told of the status a page has; each test looks at that itself.
  const isStatus = (text: string): boolean => text.startsWith('Failed to load resource');
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !isStatus(message.text())) errors.push(message.text());
  });
  return { context, page, errors };
}

/** Does what leads to another page, and waits until that one is there as a whole. */
export async function follow(page: Page, act: () => Promise<unknown>): Promise<void> {
  await Promise.all([page.waitForEvent('load'), act()]);
}

/** Signs in as an account, or as an operator. */
export async function enter(page: Page, site: Site, accountId?: string): Promise<void> {
  await page.goto(await site.link(accountId));
  await follow(page, async () => await page.click('text=Continue'));
}

/** Of the whole page, or of what the window shows: what stands under the pointer goes while the rest is fetched. */
export async function shoot(page: Page, name: string, fullPage = true): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), fullPage });
}
