//! What a viewer sees who points at the seek bar, and where they are in the show.
//!
//! In: the page. Out: the picture over the bar, the second that is seen. Does not know what is right.

import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Points at a place of the seek bar until there is a picture over it: the second it is of, and what is said of it. */
export async function pointed(page: Page, share: number): Promise<{ second: number; text: string }> {
  const bar = page.getByLabel('Position');
  for (const start = Date.now(); ; await new Promise((wait) => setTimeout(wait, 100))) {
    await page.mouse.move(640, 400);
    const box = await bar.boundingBox();
    if (box !== null) await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    const over = await page.evaluate(() => {
      const preview = document.querySelector<HTMLElement>('.preview');
      const picture = preview?.querySelector<HTMLElement>('.picture');
      if (!preview?.checkVisibility() || !picture) return null;
      const { backgroundImage, backgroundPositionX } = getComputedStyle(picture);
      return { strip: backgroundImage, x: parseFloat(backgroundPositionX), text: preview.innerText.trim() };
    });
    if (over !== null) {
      expect(over.strip).toContain('/p/s/board/b0.jpg');
      return { second: (-over.x / 160) * 10, text: over.text };
    }
    if (Date.now() - start > 10_000) throw new Error('no picture over the seek bar');
  }
}

/** The second of the show that is seen, and how far that is behind the live edge. */
export function live(page: Page, begun: number): Promise<{ second: number; behind: number }> {
  return page.evaluate((start) => {
    const { matinee } = window as unknown as {
      matinee: { playingDate: Date | null; behind: { now: number } | null };
    };
    const second = ((matinee.playingDate?.getTime() ?? NaN) - start) / 1000;
    return { second, behind: matinee.behind?.now ?? NaN };
  }, begun);
}

export async function liveUntil(
  page: Page,
  begun: number,
  what: string,
  is: (now: Awaited<ReturnType<typeof live>>) => boolean,
): Promise<void> {
  for (const start = Date.now(); ; await new Promise((wait) => setTimeout(wait, 50))) {
    const now = await live(page, begun);
    if (is(now)) return;
    if (Date.now() - start > 10_000) throw new Error(`wanted ${what}, sees ${JSON.stringify(now)}`);
  }
}
