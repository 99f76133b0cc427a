//! A publisher in Chromium: a page that sends the browser's fake camera and microphone by WHIP.
//!
//! In: one JSON command a line on standard input. Out: one JSON answer a line on standard output. Does not know what
//! is right: whip.rs judges.

import { createServer } from 'node:http';
import { launch, obey } from './driven.mjs';

const browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
const page = await browser.newPage();
// Cameras are for pages of secure origins only, which localhost is.
const site = createServer((_, answer) => {
  answer.setHeader('content-type', 'text/html');
  answer.end('<!doctype html><title>publisher</title>');
});
await new Promise((done) => { site.listen(0, '127.0.0.1', done); });
await page.goto(`http://localhost:${site.address().port}/`);

/** Runs inside the page: offers, and waits until the media can flow or the answer says why not. */
async function publish({ url, key, kinds = ['video', 'audio'] }) {
  const wanted = { video: { width: 640, height: 360, frameRate: 30 }, audio: true };
  const stream = await navigator.mediaDevices.getUserMedia(
    Object.fromEntries(kinds.map((kind) => [kind, wanted[kind]])),
  );
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    if (track.kind === 'video') {
      // A camera's picture keeps its size: what is measured here is not how a browser adapts.
      const parameters = transceiver.sender.getParameters();
      parameters.degradationPreference = 'maintain-resolution';
      await transceiver.sender.setParameters(parameters);
    }
  }
  await connection.setLocalDescription();
  const authorization = `Bearer ${key}`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization },
    body: connection.localDescription.sdp,
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  if (response.status !== 201) {
    connection.close();
    return { status: response.status, type, problem: JSON.parse(text) };
  }
  await connection.setRemoteDescription({ type: 'answer', sdp: text });
  const deadline = Date.now() + 15_000;
  while (connection.connectionState !== 'connected' && Date.now() < deadline) {
    await new Promise((done) => { setTimeout(done, 20); });
  }
  const session = new URL(response.headers.get('location'), url).href;
  window.published = { connection, session, authorization };
  return { status: 201, type, state: connection.connectionState };
}

/** Runs inside the page: ends the session as a client should (RFC 9725, 4.2). */
async function end() {
  const { connection, session, authorization } = window.published;
  const response = await fetch(session, { method: 'DELETE', headers: { authorization } });
  connection.close();
  return { status: response.status };
}

/** Runs inside the page: what the browser says of the video it sends. */
async function sent() {
  const stats = [...(await window.published.connection.getStats()).values()];
  const video = stats.find((one) => one.type === 'outbound-rtp' && one.kind === 'video');
  const codec = stats.find((one) => one.id === video.codecId);
  return {
    codec: codec?.mimeType, frames: video.framesEncoded, keyframes: video.keyFramesEncoded,
    plis: video.pliCount, width: video.frameWidth, height: video.frameHeight,
  };
}

const commands = {
  publish: (command) => page.evaluate(publish, command),
  end: () => page.evaluate(end),
  sent: () => page.evaluate(sent),
};

await obey(commands);
await browser.close();
site.close();
