import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { shoot, SIZE_NAMES, SIZES, type Size } from './browser.ts';

const MOST_BYTES = 100_000;

/**
 * Looks at the page at both widths, or at some: small, without errors of scripts, nothing cut off at the side, nothing
 * serious for axe. Leaves a picture of each; the window keeps its size.
 */
export async function inspect(
  page: Page,
  errors: readonly string[],
  name: string,
  sizes: readonly Size[] = SIZE_NAMES,
): Promise<void> {
  const before = page.viewportSize()!;
  const bytes = await page.evaluate(
    'performance.getEntriesByType("navigation")[0].decodedBodySize',
  );
  expect([name, bytes]).toEqual([name, expect.toSatisfy((size: number) => size < MOST_BYTES)]);
  await page.evaluate(axe.source);
  for (const size of sizes) {
    await page.setViewportSize(SIZES[size]);
    const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    await shoot(page, `${name}-${size}`);
    const found = await page.evaluate(
      `axe.run().then(({ violations }) => violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
    );
    expect({ name, size, wide, found, errors }).toEqual({
      name,
      size,
      wide: 0,
      found: [],
      errors: [],
    });
  }
  await page.setViewportSize(before);
}
