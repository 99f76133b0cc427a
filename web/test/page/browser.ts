//! The browser that pages are tested in, and what automated rules of accessibility have against them.
//!
//! In: flags, a page. Out: a browser, barriers. Does not know the pages.

import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

/** The browser to test in: the one that is named, else the first that is installed. */
function program(): string {
  const known = [
    process.env['MATINEE_CHROMIUM'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  return known.find((path) => path !== undefined && existsSync(path)) ?? 'chromium';
}

export function launch(...more: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: program(),
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...more],
  });
}

/** What automated rules of accessibility have against the page as it stands. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const found = await (window as unknown as { axe: typeof axe }).axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  });
}
