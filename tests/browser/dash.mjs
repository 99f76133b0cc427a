//! A viewer with dash.js in Chromium, told what to do from outside.
//!
//! In: one JSON command a line on standard input. Out: one JSON answer a line on standard output. Does not know what
//! is right: dash.rs judges.

import { fileURLToPath } from 'node:url';

import { launch, obey } from './driven.mjs';

const PLAYER = fileURLToPath(
  new URL('node_modules/dashjs/dist/modern/umd/dash.all.min.js', import.meta.url),
);

const browser = await launch('--autoplay-policy=no-user-gesture-required');
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });

/** Plays an MPD, as the defaults of dash.js have it. */
function play(mpd) {
  const video = document.createElement('video');
  video.muted = true;
  document.body.replaceChildren(video);
  const player = window.dashjs.MediaPlayer().create();
  const { PLAYBACK_WAITING, ERROR, QUALITY_CHANGE_RENDERED } = window.dashjs.MediaPlayer.events;
  const told = { stalls: 0, errors: [], shown: null };
  let hasBegun = false;
  player.on('playbackPlaying', () => { hasBegun = true; });
  player.on(PLAYBACK_WAITING, () => { told.stalls += hasBegun ? 1 : 0; });
  player.on(ERROR, ({ error }) => told.errors.push(`${error.code} ${error.message}`));
  player.on(QUALITY_CHANGE_RENDERED, ({ mediaType, newRepresentation }) => {
    if (mediaType === 'video') told.shown = newRepresentation.id;
  });
  player.initialize(video, mpd, true);
  window.watched = { player, video, told };
}

/** What a person sees, and what the player says of itself. */
function see() {
  const { player, video, told } = window.watched;
  const isReady = player.isReady() && video.readyState > 0;
  const rungs = isReady ? player.getRepresentationsByType('video') : [];
  return {
    ...told,
    time: video.currentTime,
    duration: Number.isFinite(video.duration) ? video.duration : null,
    ready: video.readyState,
    height: video.videoHeight,
    isDynamic: isReady ? player.isDynamic() : null,
    lowLatency: isReady ? player.getLowLatencyModeEnabled() : null,
    latency: isReady && player.isDynamic() ? player.getCurrentLiveLatency() : null,
    rungs: rungs.map(({ id, height }) => ({ id, height })),
    rung: isReady ? player.getCurrentRepresentationForType('video')?.id ?? null : null,
  };
}

/** Watches for some seconds: how far the picture came, and how far behind the clock it was each tenth of a second. */
async function measure(seconds) {
  const { player, video, told } = window.watched;
  const [begun, stalls, latencies] = [video.currentTime, told.stalls, []];
  for (let at = 0; at < seconds * 10; at += 1) {
    await new Promise((done) => setTimeout(done, 100));
    latencies.push(player.getCurrentLiveLatency());
  }
  return { played: video.currentTime - begun, stalls: told.stalls - stalls, latencies };
}

/** Chooses a rung, for good. */
function choose(id) {
  const { player } = window.watched;
  player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
  player.setRepresentationForTypeById('video', id, false);
}

const commands = {
  open: async ({ site, mpd }) => {
    await page.goto(`${site}/healthz`);
    await page.addScriptTag({ path: PLAYER });
    await page.evaluate(play, mpd);
  },
  see: () => page.evaluate(see),
  measure: ({ seconds }) => page.evaluate(measure, seconds),
  choose: ({ id }) => page.evaluate(choose, id),
  seek: ({ to }) => page.evaluate((at) => window.watched.player.seek(at), to),
  shoot: ({ path }) => page.screenshot({ path }),
};

await obey(commands);
await browser.close();
