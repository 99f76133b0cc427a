//! A viewer in Chromium, told what to do from outside.
//!
//! In: one JSON command a line on standard input. Out: one JSON answer a line on standard output. Does not know what
//! is right: main.rs judges.

import { measure } from './clock.mjs';
import { launch, obey } from './driven.mjs';

const browser = await launch('--autoplay-policy=no-user-gesture-required');
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const complaints = [];
const strangers = [];
let house = '';
// What the player says of itself, the newest: why a picture stood.
const said = [];
const SAID_MAX = 4000;
await page.addInitScript(() => {
  if (location.protocol.startsWith('http')) localStorage.setItem('matinee.log', 'player');
});
page.on('console', (message) => {
  said.push(`${new Date().toISOString().slice(17, 23)} ${message.text()}`);
  if (said.length > SAID_MAX) said.shift();
});
page.on('console', (message) => {
  // What the player says of itself is no complaint of the browser.
  const isOfPlayer = message.text().startsWith('[error] >');
  if (message.type() === 'error' && !isOfPlayer) complaints.push(message.text());
});
page.on('pageerror', (error) => complaints.push(String(error)));
page.on('request', (request) => {
  const { protocol, origin } = new URL(request.url());
  if (protocol.startsWith('http') && origin !== house) strangers.push(request.url());
});

/** What a person sees, and what the page says of itself. */
function see() {
  const matinee = window.matinee;
  const video = document.querySelector('video');
  const shown = (element) => element !== null && element.checkVisibility();
  const veil = document.querySelector('.veil');
  const stats = document.querySelector('.stats');
  const tracks = [...(video?.textTracks ?? [])].filter((track) => track.kind === 'metadata');
  const cues = tracks.flatMap((track) => [...(track.cues ?? [])]);
  const said = [...(shown(stats) ? stats.querySelectorAll('dl div') : [])];
  return {
    state: matinee?.state ?? '',
    latency: matinee?.latency ?? null,
    buffer: matinee?.buffer ?? 0,
    stalls: matinee?.stalls ?? 0,
    level: matinee?.level ?? null,
    levels: matinee?.levels ?? [],
    time: video?.currentTime ?? 0,
    source: video?.hasAttribute('src') ?? false,
    ready: video?.readyState ?? 0,
    metadataTracks: tracks.length,
    metadata: cues.map((cue) => `${cue.value?.key}=${cue.value?.data}`),
    captions: shown(document.querySelector('.captions')) ? document.querySelector('.captions').innerText.trim() : '',
    frozen: shown(document.querySelector('.still')),
    panel: shown(veil) ? veil.innerText : '',
    title: document.querySelector('h1')?.innerText ?? '',
    badge: document.querySelector('.badge')?.innerText ?? '',
    stats: Object.fromEntries(said.map((row) => [row.children[0].innerText, row.children[1].innerText])),
  };
}

/** The loudest tone of what is heard now, in Hz; 0 in silence. */
async function tone() {
  if (window.ear === undefined) {
    const context = new AudioContext();
    const ear = context.createAnalyser();
    ear.fftSize = 8192;
    context.createMediaElementSource(document.querySelector('video')).connect(ear);
    ear.connect(context.destination);
    window.ear = ear;
  }
  await window.ear.context.resume();
  const bins = new Float32Array(window.ear.frequencyBinCount);
  window.ear.getFloatFrequencyData(bins);
  const loudest = bins.reduce((best, loudness, at) => (loudness > bins[best] ? at : best), 0);
  return bins[loudest] > -60 ? (loudest * window.ear.context.sampleRate) / window.ear.fftSize : 0;
}

/** Goes through the page with Tab alone, and answers what is met and whether it has a name and a ring. */
async function tab(count) {
  const met = [];
  for (let i = 0; i < count; i += 1) {
    await page.keyboard.press('Tab');
    met.push(await page.evaluate(() => {
      const at = document.activeElement;
      const name = at.getAttribute('aria-label') ?? at.innerText ?? '';
      const seen = at.checkVisibility({ opacityProperty: true });
      const ring = getComputedStyle(at).outlineStyle !== 'none';
      return { tag: at.tagName.toLowerCase(), name, seen, ring };
    }));
  }
  return met;
}

const commands = {
  open: async ({ url }) => {
    house = new URL(url).origin;
    await page.goto('about:blank');
    await page.goto(url);
  },
  see: () => page.evaluate(see),
  measure: ({ seconds }) => page.evaluate(measure, seconds),
  tone: () => page.evaluate(tone),
  press: ({ key }) => page.keyboard.press(key),
  click: ({ name }) => page.getByRole('button', { name }).click(),
  choose: ({ name }) => page.getByRole('menuitemradio', { name }).click(),
  fill: ({ label, text }) => page.getByLabel(label, { exact: true }).fill(text),
  tab: ({ count }) => tab(count),
  shoot: ({ path }) => page.screenshot({ path }),
  told: () => ({ strangers, complaints, said, address: page.url() }),
};

await obey(commands);
await browser.close();
