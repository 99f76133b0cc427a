//! Chapters in the built page, in Chromium: a menu, marks on the seek bar, keys; and where a recording begins.

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { barriers } from './browser';
import { PaperHouse } from './house';
import { Stage, album } from './stage';

const stage = new Stage((built) => new PaperHouse(built), '--autoplay-policy=no-user-gesture-required');
const { house, complaints } = stage;
let page: Page;

beforeEach(async () => {
  house.reset();
  house.state = 'ended';
  complaints.length = 0;
  page = await stage.sit();
});

afterEach(async () => {
  await page.context().close();
  expect(complaints).toEqual([]);
});

/** Where the picture is, in seconds, once that is so. */
async function until(what: string, is: (time: number) => boolean): Promise<void> {
  for (const start = Date.now(); ; await new Promise((wait) => setTimeout(wait, 50))) {
    const time = await page.evaluate(() => document.querySelector('video')?.currentTime ?? 0);
    if (is(time)) return;
    if (Date.now() - start > 15_000) throw new Error(`wanted ${what}, is at ${time}`);
  }
}

const between = (from: number, to: number) => (time: number) => time >= from && time < to;

async function watch(): Promise<void> {
  await page.goto(`${house.address}/watch/x#ticket=k`);
  await page.getByRole('button', { name: 'Watch the recording' }).click();
}

const menu = () => page.getByRole('button', { name: 'Chapters' });

it('offers chapters in a menu and on the bar, and goes to them by keys', async () => {
  house.chapters = [[0, 'Intro'], [30, 'The rehearsal'], [60, '']];
  await watch();
  await menu().waitFor();
  await until('the beginning', (time) => time > 0.2);
  const marks = page.locator('.marks i');
  await expect.poll(() => marks.count()).toBe(2);
  const bar = await page.locator('.marks').boundingBox();
  const mark = await marks.first().boundingBox();
  expect(((mark?.x ?? 0) + (mark?.width ?? 0) / 2 - (bar?.x ?? 0)) / (bar?.width ?? 1)).toBeCloseTo(30 / 90, 1);

  await menu().focus();
  await page.keyboard.press('Enter');
  const items = page.getByRole('menuitemradio');
  expect(await items.allInnerTexts()).toEqual([
    expect.stringContaining('Intro'),
    expect.stringContaining('The rehearsal'),
    expect.stringContaining('Chapter 3'),
  ]);
  expect(await items.first().getAttribute('aria-checked')).toBe('true');
  expect(await barriers(page)).toEqual([]);
  await page.screenshot({ path: join(album('page'), 'ended-with-chapters-desk.png') });
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await until('the second chapter', between(30, 45));
  const said = () => page.getByLabel('Position').getAttribute('aria-valuetext');
  await expect.poll(said).toMatch(/0:3\d of 1:30, The rehearsal/);
  await page.keyboard.press('n');
  await until('the third', between(60, 75));
  await page.keyboard.press('p');
  await until('the one before', between(30, 45));
});

it('has no chapters where there are none', async () => {
  await watch();
  await until('a picture', (time) => time > 0.2);
  expect(await menu().isVisible()).toBe(false);
  expect(await page.locator('.marks i').count()).toBe(0);
});

it('begins a recording where its playlist says', async () => {
  house.startsWithin = 40.5;
  await watch();
  await until('the place that is said', between(40.5, 50));
});
