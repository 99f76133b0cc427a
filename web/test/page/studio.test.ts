//! The built studio in Chromium, against a house made of paper.
//!
//! Pictures, on a desk and on a phone, are left in target/browser/studio.

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { barriers } from './browser';
import { Stage, album } from './stage';
import { StudioHouse, TOKEN } from './studio-house';

const pictures = album('studio');
const stage = new Stage((built) => new StudioHouse(built));
const { house, complaints } = stage;
let page: Page;

/** Bytes of a file that is larger than what a socket takes by itself. */
const LARGE = 24 << 20;

beforeEach(async () => {
  house.reset();
  complaints.length = 0;
  page = await stage.sit({ locale: 'en-GB' });
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.url().includes(TOKEN)) complaints.push(`the credential is in ${request.url()}`);
  });
});

afterEach(async () => {
  await page.context().close();
  expect(complaints).toEqual([]);
});

async function enter(): Promise<void> {
  await page.goto(`${house.address}/studio#token=${TOKEN}`);
  await page.getByRole('heading', { name: 'Assets' }).waitFor();
}

/** A file as a person drops it; the same name and size are the same file. */
async function drop(name: string, bytes: number): Promise<void> {
  const data = await page.evaluateHandle(([called, size]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(size)], called, { type: 'video/x-matroska', lastModified: 1 }));
    return transfer;
  }, [name, bytes] as const);
  for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('main', event, { dataTransfer: data });
}

const line = (name: string) => page.locator('.line', { hasText: name });
const asset = (title: string) => page.locator('.asset', { hasText: title });

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = Date.now(); !(await is()); await new Promise((wait) => setTimeout(wait, 50))) {
    if (Date.now() - start > 15_000) throw new Error(`wanted ${what}`);
  }
}

async function photograph(name: string): Promise<void> {
  expect(await barriers(page), name).toEqual([]);
  for (const [seat, width, height] of [['desk', 1280, 800], ['phone', 390, 844]] as const) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(pictures, `${name}-${seat}.png`), fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(wide, `${name} fits a ${seat}`).toBe(false);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

it('asks for the credential, says when it is wrong, and keeps it for the tab alone', async () => {
  await page.goto(`${house.address}/studio`);
  const field = page.getByLabel('credential');
  expect(await field.getAttribute('type')).toBe('password');
  await field.fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('not the credential of this house').waitFor();
  await photograph('door');
  await field.fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByText('Nothing is here yet').waitFor();
  await page.reload();
  await page.getByText('Nothing is here yet').waitFor();
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(TOKEN);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.reload();
  await field.waitFor();
});

it('takes the credential from the address and removes it there', async () => {
  await enter();
  expect(page.url()).toBe(`${house.address}/studio`);
  await photograph('empty');
});

it('says whose room is taken, and how much of it', async () => {
  house.usage = { account: 'anna', quota_bytes: 10e9, used_bytes: 1.4e9 };
  await enter();
  await page.getByText('anna: 1.4 GB of 10.0 GB taken').waitFor();
  house.usage = { used_bytes: 7e6 };
  await page.reload();
  await page.getByText('The house: 7.0 MB taken').waitFor();
});

it('says which quota is full in the house’s own words', async () => {
  house.refuse = [413, 'quota_exceeded', 'this account’s quota: delete some'];
  await enter();
  await drop('film.mkv', 1000);
  await line('film.mkv').getByText('This account’s quota: delete some.').waitFor();
});

it('uploads what is dropped, several at once, and follows what becomes of it', async () => {
  await enter();
  await drop('one.mkv', 300_000);
  await drop('two.mkv', 200_000);
  await line('one.mkv').getByText('uploaded').waitFor();
  await line('two.mkv').getByText('uploaded').waitFor();
  await asset('one.mkv').getByText('Ready').waitFor();
  await asset('one.mkv').getByRole('button').click();
  await page.getByText('matroska').waitFor();
  // What is done can be cleared, and the same file comes in again as another asset.
  await page.getByRole('button', { name: 'Clear one.mkv' }).click();
  await drop('one.mkv', 300_000);
  await line('one.mkv').getByText('uploaded').waitFor();
  await until('three uploads', () => house.uploads.size === 3);
});

it('pauses, goes on where it was, and cancels in the house too', async () => {
  house.takes = 2 << 20;
  await enter();
  await drop('long.mkv', LARGE);
  await until('a beginning', () => [...house.uploads.values()].some(({ there }) => there > 0));
  await page.getByRole('button', { name: 'Pause long.mkv' }).click();
  await line('long.mkv').getByText('paused').waitFor();
  const before = [...house.uploads.values()][0]?.there ?? 0;
  expect(before).toBeGreaterThan(0);
  house.takes = Infinity;
  await page.getByRole('button', { name: 'Go on with long.mkv' }).click();
  await line('long.mkv').getByText('uploaded').waitFor();
  const upload = [...house.uploads.values()][0];
  expect(upload?.there, 'no byte came twice').toBe(LARGE);

  house.takes = 2 << 20;
  await drop('other.mkv', LARGE + 1);
  await until('a beginning', () => [...house.uploads.values()].some(({ name, there }) => name === 'other.mkv' && there > 0));
  await line('other.mkv').getByText('%').waitFor();
  await photograph('uploading');
  await page.getByRole('button', { name: 'Cancel other.mkv' }).click();
  await page.getByRole('button', { name: 'Cancel the upload' }).click();
  await until('its end', () => ![...house.uploads.values()].some(({ name }) => name === 'other.mkv'));
  expect(await line('other.mkv').count()).toBe(0);
});

it('says after a reload what is unfinished, goes on with the same file, and discards what is not wanted', async () => {
  house.takes = 2 << 20;
  await enter();
  await drop('long.mkv', LARGE);
  await drop('unwanted.mkv', LARGE + 1);
  await until('two beginnings', () => [...house.uploads.values()].filter(({ there }) => there > 0).length === 2);
  await page.reload();
  await page.getByRole('heading', { name: 'Unfinished' }).waitFor();
  await line('long.mkv').getByText('is in the house').waitFor();
  await photograph('unfinished');
  await page.getByRole('button', { name: 'Discard unwanted.mkv' }).click();
  await page.getByRole('button', { name: 'Discard', exact: true }).click();
  await until('one upload', () => house.uploads.size === 1);
  house.takes = Infinity;
  await drop('long.mkv', LARGE);
  await line('long.mkv').getByText('uploaded').waitFor();
  expect([...house.uploads.values()].map(({ there }) => there), 'the same upload went on').toEqual([LARGE]);
  expect(await page.getByRole('heading', { name: 'Unfinished' }).isVisible()).toBe(false);
  await page.reload();
  await asset('long.mkv').getByText('Ready').waitFor();
  expect(await page.getByRole('heading', { name: 'Unfinished' }).isVisible()).toBe(false);
});

it('says in plain words why the house refuses a file, and tries again on request', async () => {
  await enter();
  house.refuse = [413, 'quota_exceeded'];
  await drop('film.mkv', 1000);
  await line('film.mkv').getByText('no room left for uploads').waitFor();
  await photograph('refused');
  house.refuse = null;
  await page.getByRole('button', { name: 'Try film.mkv again' }).click();
  await line('film.mkv').getByText('uploaded').waitFor();
});

it('goes on by itself after the house restarts or the line is back', async () => {
  await enter();
  house.refuse = [503, 'stopping'];
  await drop('film.mkv', 1000);
  await line('film.mkv').getByText('The house is restarting. It goes on by itself.').waitFor();
  house.refuse = null;
  await line('film.mkv').getByText('uploaded').waitFor();
  house.down = true;
  await drop('more.mkv', 1000);
  await line('more.mkv').getByText('No connection').waitFor();
  house.down = false;
  await line('more.mkv').getByText('uploaded').waitFor();
});

it('fetches a file from elsewhere, and says why it cannot', async () => {
  await enter();
  await page.getByText('Fetch a file from elsewhere').click();
  await page.getByLabel('Address of the file').fill('https://archive.example.com/films/night.mp4?key=1');
  await page.getByLabel('Title (optional)').fill('Night');
  await page.getByRole('button', { name: 'Fetch it' }).click();
  await line('Night').getByText('It is there').waitFor();
  await asset('Night').waitFor();
  house.refuse = [502, 'not_fetched'];
  await page.getByLabel('Address of the file').fill('https://archive.example.com/gone.mp4');
  await page.keyboard.press('Enter');
  await line('gone.mp4').getByText('The server answered 404.').waitFor();
});

it('lists, searches, shows more, changes and deletes assets, by keyboard', async () => {
  for (let i = 1; i <= 22; i += 1) house.shelve(`Rehearsal ${i}`);
  house.shelve('Broken', { state: 'refused', reason: 'it is cut off', bytes: 0 });
  house.shelve('Opening night', { tags: ['premiere'], visibility: 'unlisted' });
  await enter();
  await asset('Broken').getByText('Refused: it is cut off').waitFor();
  expect(await page.locator('.asset').count()).toBe(20);
  await page.getByRole('button', { name: 'More' }).click();
  await until('all', async () => await page.locator('.asset').count() === 24);
  await page.getByLabel('State').selectOption('Refused');
  await until('one', async () => await page.locator('.asset').count() === 1);
  await page.getByLabel('State').selectOption('All');
  await page.getByLabel('Search').fill('PREMIERE');
  await until('one', async () => await page.locator('.asset').count() === 1);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  for (const fact of ['1:24:07', '3840×2160', '23.976 pictures/s', 'variable rate (VFR)', 'turned by 90°', 'HDR (PQ)',
    'German (deu)', '5.1', 'Overture', 'progressive']) {
    await page.locator('.media').getByText(fact, { exact: true }).waitFor();
  }
  await photograph('asset');
  await page.getByLabel('Title', { exact: true }).fill('Closing night');
  await page.getByLabel('Tags').fill('last, premiere, last');
  await page.getByLabel('Who may find it').selectOption('public');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  expect(house.assets[0]).toMatchObject({ title: 'Closing night', tags: ['last', 'premiere'], visibility: 'public' });
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This cannot be undone').waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Keep' }).click();
  expect(house.assets).toHaveLength(24);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing is like that').waitFor();
  expect(house.assets).toHaveLength(23);
});

it('says how far a film is, makes links to it, and tries again what failed', async () => {
  house.shelve('Growing', { state: 'transcoding', progress_percent: 40 });
  house.shelve('Spoilt', { state: 'failed', reason: 'its pictures cannot be decoded', is_playable: false });
  await enter();
  await asset('Growing').getByText('Transcoding 40 %').waitFor();
  await asset('Growing').getByText('Ready').waitFor();
  await asset('Growing').getByRole('button', { name: 'Growing' }).click();
  await page.getByRole('button', { name: 'Make a watch link' }).click();
  const link = page.getByRole('link', { name: '/watch/' });
  expect(await link.getAttribute('href')).toBe(`${house.address}/watch/${house.assets[1]?.show}`);
  const statistics = page.getByRole('region', { name: 'Statistics of Growing' });
  await statistics.getByText('3.20 × its speed').waitFor();
  await statistics.getByText('3 lately, 1 may play').waitFor();
  await photograph('film');
  await asset('Spoilt').getByText('Failed: its pictures cannot be decoded').waitFor();
  await asset('Spoilt').getByRole('button', { name: 'Spoilt' }).click();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Try again' }).click();
  await asset('Spoilt').getByText('Ready').waitFor();
});

it('shows how far a film is and about how long it takes, and makes no more of it until it is told to', async () => {
  house.pace = 0;
  house.shelve('Long', { state: 'transcoding', progress_percent: 40, left_s: 130, is_playable: false });
  await enter();
  const bar = page.getByRole('progressbar', { name: 'Transcoding Long' });
  expect(await bar.getAttribute('max')).toBe('100');
  expect(await bar.evaluate((element: HTMLProgressElement) => element.value)).toBe(40);
  await asset('Long').getByText('about 3 min left').waitFor();
  await asset('Long').getByRole('button', { name: 'Long' }).click();
  await page.getByLabel('Transcoded').selectOption('Urgent: before all others');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  expect(house.assets[0]?.priority).toBe('urgent');
  expect(await barriers(page)).toEqual([]);
  await photograph('transcoding');
  await page.getByRole('button', { name: 'Cancel transcoding' }).click();
  await asset('Long').getByText('Cancelled').waitFor();
  await until('no bar', () => bar.isHidden());
  house.pace = 100;
  await page.getByRole('button', { name: 'Go on transcoding' }).click();
  await asset('Long').getByText('Ready').waitFor();
});

it('goes back to the door when the credential is not taken any more', async () => {
  await enter();
  await page.evaluate(() => sessionStorage.setItem('matinee.studio.token', 'old'));
  await page.reload();
  await page.getByText('not the credential of this house').waitFor();
});
