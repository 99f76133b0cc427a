//! The built page in Chromium, in each of its states, against a house made of paper.
//!
//! Pictures of every state, on a desk and on a phone, are left in target/browser/page.

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { barriers, launch } from './browser';
import { PaperHouse } from './house';
import { live, liveUntil, pointed } from './seeking';
import { Stage, album } from './stage';

const pictures = album('page');
const stage = new Stage((built) => new PaperHouse(built), '--autoplay-policy=no-user-gesture-required');
const { house, complaints } = stage;
let page: Page;

beforeEach(async () => {
  house.reset();
  complaints.length = 0;
  page = await stage.sit();
});

afterEach(async () => {
  await page.context().close();
  expect(complaints, 'no request leaves the house, and the content policy is kept').toEqual([]);
});

async function watch(ticket: string | null = 'k'): Promise<void> {
  await page.goto(`${house.address}/watch/x${ticket === null ? '' : `#ticket=${ticket}`}`);
}

interface Seen {
  state: string;
  time: number;
}

function seen(): Promise<Seen> {
  return page.evaluate(() => ({
    state: (window as unknown as { matinee?: { state: string } }).matinee?.state ?? '',
    time: document.querySelector('video')?.currentTime ?? 0,
  }));
}

/** Waits from outside: the page's policy forbids the evaluation that waiting inside needs. */
async function until(what: string, is: (now: Seen) => boolean, timeout = 15_000): Promise<void> {
  for (const start = Date.now(); ; await new Promise((wait) => setTimeout(wait, 50))) {
    const now = await seen();
    if (is(now)) return;
    if (Date.now() - start > timeout) throw new Error(`wanted ${what}, sees ${JSON.stringify(now)}`);
  }
}

const reaches = (phase: string, timeout?: number) => until(phase, ({ state }) => state === phase, timeout);

async function photograph(name: string): Promise<void> {
  expect(await barriers(page), name).toEqual([]);
  for (const [seat, width, height] of [['desk', 1280, 800], ['phone', 390, 844]] as const) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(pictures, `${name}-${seat}.png`) });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(wide, `${name} fits a ${seat}`).toBe(false);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

const heading = () => page.locator('.veil h2').innerText();

async function moves(): Promise<void> {
  const before = (await seen()).time;
  await until('a moving picture', ({ time }) => time > before + 0.5);
}

it('asks for a ticket and takes a pasted link', async () => {
  await watch(null);
  await reaches('ticket');
  await photograph('no-ticket');
  await page.getByLabel('Ticket').fill(`${house.address}/watch/x#ticket=k`);
  await page.keyboard.press('Enter');
  await reaches('live');
});

it('plays, remembers the ticket, and hides it from the address', async () => {
  await watch();
  await reaches('live');
  await moves();
  expect(page.url()).not.toContain('ticket');
  await page.keyboard.press('i');
  await page.getByText('Behind edge').waitFor();
  await page.mouse.move(640, 400);
  await photograph('live-with-statistics');
  await page.keyboard.press('i');
  await page.getByRole('button', { name: 'Quality' }).click();
  await photograph('live-with-menu');
  await page.keyboard.press('Escape');
  await page.reload();
  await reaches('live');
});

for (const [code, refusal] of [
  ['ticket_unknown', 'does not fit'],
  ['ticket_expired', 'has expired'],
  ['ticket_revoked', 'was withdrawn'],
  ['too_many_sessions', 'is in use'],
  ['preview_over', 'was the preview'],
  ['country_denied', 'Not shown where you are'],
] as const) {
  it(`says what is wrong with a ticket: ${code}`, async () => {
    house.refuseTicket = code;
    await watch();
    await reaches('refused');
    expect(await heading()).toContain(refusal);
    await photograph(code);
  });
}

it('stops at once when the ticket is revoked while watching', async () => {
  await watch();
  await reaches('live');
  house.refuseMedia = 'revoked';
  await reaches('refused', 3000);
  expect(await heading()).toContain('withdrawn');
  const gone = await page.evaluate(() => {
    const video = document.querySelector('video');
    return [video?.readyState, video?.hasAttribute('src'), document.querySelector('canvas')?.hidden];
  });
  expect(gone).toEqual([0, false, true]);
  await photograph('revoked');
  await page.reload();
  await reaches('ticket');
});

it('says which device took over, and takes it back when told to', async () => {
  house.policy = { devices_max: 1 };
  await watch();
  await reaches('live');
  [house.refuseMedia, house.detail] = ['displaced', 'Firefox on Android'];
  await reaches('refused', 3000);
  expect(await heading()).toBe('Firefox on Android took over');
  await photograph('displaced');
  [house.refuseMedia, house.detail] = [null, null];
  await page.getByRole('button', { name: 'Watch here' }).click();
  await reaches('live');
  await moves();
  // The first time and the time it was taken back it was a device of its own; after a reload it is the same.
  await page.reload();
  await reaches('live');
  const asked = house.posted.filter(([what]) => what === 'playback').map(([, { session }]) => session);
  expect(asked).toEqual([undefined, undefined, 's']);
  const left = house.posted.filter(([what]) => what === 'end').map(([, body]) => body);
  expect(left).toEqual([{ ticket: 'k', session: 's' }]);
});

it('names the devices that play where no more may', async () => {
  house.refuseTicket = 'devices_full';
  house.detail = 'the ticket plays on Safari on iPhone and VLC already: close it there';
  await watch();
  await reaches('refused');
  expect(await page.locator('.veil p').innerText()).toContain('Safari on iPhone and VLC');
  await photograph('devices_full');
  [house.refuseTicket, house.detail] = [null, null];
  await page.getByRole('button', { name: 'Try again' }).click();
  await reaches('live');
});

for (const [code, title] of [
  ['session_wrong_network', 'Another network'],
  ['tier_too_low', 'Not in this ticket'],
] as const) {
  it(`asks for another token before it gives up: ${code}`, async () => {
    await watch();
    await reaches('live');
    house.refuseMedia = code;
    await reaches('refused', 5000);
    expect(await heading()).toBe(title);
    expect(house.posted.length).toBe(2);
    await photograph(code);
  });
}

it('counts a preview down, and then there is the wall', async () => {
  house.policy = { preview_s: 300 };
  await watch();
  await reaches('live');
  expect(await page.locator('.badge').innerText()).toMatch(/Preview · (59:\d\d|1 h)/i);
  await photograph('preview');
  house.refuseMedia = 'preview_over';
  await reaches('refused', 3000);
  expect(await heading()).toBe('That was the preview');
});

it('counts down and starts by itself', async () => {
  house.state = 'scheduled';
  house.startsAt = Math.floor(Date.now() / 1000) + 8000;
  await watch();
  await reaches('waiting');
  expect(await heading()).toMatch(/Starts in 2 h \d\d min/);
  await photograph('waiting');
  house.state = 'live';
  await reaches('live');
});

it('keeps the last picture off air and goes on by itself', async () => {
  await watch();
  await reaches('live');
  await moves();
  house.state = 'interrupted';
  await reaches('off-air');
  await photograph('off-air');
  house.state = 'live';
  await reaches('live');
  await moves();
});

it('offers the recording, which plays from the start', async () => {
  house.state = 'ended';
  await watch();
  await reaches('ended');
  await photograph('ended');
  await page.getByRole('button', { name: 'Watch the recording' }).click();
  await reaches('recording');
  expect((await seen()).time).toBeLessThan(5);
  await moves();
  expect((await pointed(page, 0.5)).second, 'of 90 seconds').toBeGreaterThanOrEqual(40);
  await page.mouse.move(640, 400);
  await page.keyboard.press('ArrowRight');
  await until('ten seconds on', ({ time }) => time > 9);
  await photograph('recording');
  house.refuseMedia = 'revoked';
  await reaches('refused', 4000);
});

it('goes back in a live show by the pictures over the bar, stays there, and goes to the live picture again', async () => {
  house.window = 50;
  await watch();
  await reaches('live');
  await moves();
  const { second, text } = await pointed(page, 0.3);
  expect(text).toMatch(/^−0:\d\d$/);
  await photograph('live-with-storyboard');
  await pointed(page, 0.3);
  await page.mouse.down();
  await page.mouse.up();
  await liveUntil(page, house.begun, 'a place far back', ({ behind }) => behind > 20);
  await moves();
  const now = await live(page, house.begun);
  expect(now.behind, 'it stays there').toBeGreaterThan(20);
  // The nearest of one each ten seconds, and the few seconds that went by since.
  expect(Math.abs(now.second - second), `${now.second} by ${second}`).toBeLessThan(10);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('k');
  await page.keyboard.press('k');
  await moves();
  expect((await live(page, house.begun)).behind, 'also after a pause').toBeGreaterThan(25);
  await page.mouse.move(640, 400);
  await page.getByRole('button', { name: 'Go to the live picture' }).click();
  await liveUntil(page, house.begun, 'the live picture', ({ behind }) => behind < 6);
});

it('has no bar in a live show that lists too little to go back in', async () => {
  await watch();
  await reaches('live');
  await moves();
  await page.mouse.move(640, 400);
  expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(true);
  expect(await page.getByLabel('Position').isVisible()).toBe(false);
});

/** What is read over the picture, and the second of the show that it belongs to. */
function read(): Promise<{ text: string; second: number }> {
  return page.evaluate((begun) => {
    const text = document.querySelector<HTMLElement>('.captions')?.innerText.trim() ?? '';
    const { matinee } = window as unknown as { matinee: { playingDate: Date | null } };
    return { text, second: Math.floor(((matinee.playingDate?.getTime() ?? NaN) - begun) / 1000) };
  }, house.begun);
}

/** Waits until what is read is as wanted. */
async function readUntil(what: string, is: (now: Awaited<ReturnType<typeof read>>) => boolean): Promise<void> {
  for (const start = Date.now(); ; await new Promise((wait) => setTimeout(wait, 50))) {
    const now = await read();
    if (is(now)) return;
    if (Date.now() - start > 10_000) throw new Error(`wanted ${what}, reads "${now.text}" at ${now.second}`);
  }
}

const says = (text: string) => readUntil(`"${text}"`, (now) => now.text === text);

/** Captions in a language, those of the second that is seen; `null`: none, though the picture goes on. */
async function reads(language: string | null): Promise<void> {
  if (language !== null) {
    return readUntil(`captions in ${language}`, ({ text, second }) => text === `${language} ${second}`);
  }
  await says('');
  await moves();
  expect((await read()).text).toBe('');
}

it('shows captions at their time, in the language that was chosen, also the next time', async () => {
  house.captions = 200;
  await watch();
  await reaches('live');
  await reads('en');
  await page.mouse.move(640, 400);
  await page.getByRole('button', { name: 'Captions' }).focus();
  await page.keyboard.press('Enter');
  await photograph('live-with-captions');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await reads('de');
  const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  expect(focused).toBe('Captions');
  await page.reload();
  await reaches('live');
  await reads('de');
  await page.keyboard.press('c');
  await reads(null);
  await page.reload();
  await reaches('live');
  await reads(null);
  await page.keyboard.press('c');
  await page.keyboard.press('c');
  await page.keyboard.press('c');
  await reads('en');
});

it('shows the captions of a recording wherever it is', async () => {
  house.captions = 200;
  house.state = 'ended';
  await watch();
  await reaches('ended');
  await page.getByRole('button', { name: 'Watch the recording' }).click();
  await reaches('recording');
  await reads('en');
  for (let press = 0; press < 7; press += 1) await page.keyboard.press('ArrowRight');
  await until('a minute on', ({ time }) => time > 65);
  await reads('en');
  await photograph('recording-with-captions');
  for (let press = 0; press < 6; press += 1) await page.keyboard.press('ArrowLeft');
  await until('back again', ({ time }) => time < 30);
  await reads('en');
  const cues = await page.evaluate(() => document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0);
  expect(cues, 'cues far away are let go').toBeLessThan(130);
});

it('lists captions that come with the picture, as hls.js adds them, and shows those that are chosen', async () => {
  house.captions = 200;
  await watch();
  await reaches('live');
  await reads('en');
  const add = () => page.evaluate(() => {
    const track = document.querySelector('video')?.addTextTrack('captions', 'English', 'en');
    const cue = new VTTCue(0, 1e6, 'said within');
    Object.assign(cue, { line: 12, position: 20, align: 'start' });
    track?.addCue(cue);
  });
  await add();
  await page.mouse.move(640, 400);
  await page.getByRole('button', { name: 'Captions' }).click();
  expect(await page.getByRole('menuitemradio').allInnerTexts()).toEqual([
    'Off', 'English\nen', 'Deutsch\nde', 'English\nCC',
  ]);
  await page.getByRole('menuitemradio', { name: 'English CC' }).click();
  await says('said within');
  await photograph('live-with-captions-within');
  await page.reload();
  await reaches('live');
  await reads('en');
  await add();
  await says('said within');
});

it('leaves the picture alone where captions cannot be had, and shows them once they can', async () => {
  for (const status of [404, 503]) {
    house.reset();
    house.captions = status;
    await watch();
    await reaches('live');
    await moves();
    await reads(null);
    house.captions = 200;
    await reads('en');
  }
});

it('says so when the network is gone, and recovers', async () => {
  await watch();
  await reaches('live');
  house.down = true;
  await reaches('trouble', 25_000);
  await photograph('trouble');
  house.down = false;
  await reaches('live', 25_000);
  await moves();
});

it('starts muted, or asks for a tap, where the browser wants it', async () => {
  const strict = await launch('--autoplay-policy=document-user-activation-required');
  try {
    await page.context().close();
    page = await stage.sit({}, strict);
    await watch();
    // Every look inside counts as a touch, after which the browser would let it play.
    await page.waitForTimeout(4000);
    await reaches('live');
    await page.getByRole('button', { name: 'Tap for sound' }).waitFor();
    await photograph('muted');
    await page.getByRole('button', { name: 'Tap for sound' }).click();
    expect(await page.evaluate(() => document.querySelector('video')?.muted)).toBe(false);
    await page.addInitScript(() => {
      HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await page.reload();
    await reaches('blocked');
    await photograph('blocked');
  } finally {
    await page.context().close();
    await strict.close();
    page = await stage.sit();
  }
});
