//! Somebody in the studio, told what to do from outside.
//!
//! In: one JSON command a line on standard input. Out: one JSON answer a line on standard output. Does not know what
//! is right: studio.rs judges.

import { launch, obey } from './driven.mjs';

const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const line = await page.context().newCDPSession(page);
const complaints = [];
const strangers = [];
let house = '';
page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
page.on('pageerror', (error) => complaints.push(String(error)));
page.on('request', (request) => new URL(request.url()).origin !== house && strangers.push(request.url()));

/** What a person sees of uploads and assets. */
function see() {
  const text = (within, selector) => within.querySelector(selector)?.innerText ?? '';
  const row = (element) => ({
    name: text(element, '.title'),
    state: element.dataset.state,
    told: text(element, '.told'),
    percent: element.querySelector('progress')?.value ?? null,
    unfinished: element.closest('.old') !== null,
  });
  const asset = (element) => ({ title: text(element, '.title'), state: element.dataset.state });
  return {
    lines: [...document.querySelectorAll('.line')].filter((one) => one.checkVisibility()).map(row),
    assets: [...document.querySelectorAll('.asset')].map(asset),
    media: text(document, '.media'),
    link: text(document, '.known a'),
  };
}

/** Drops a file as a person does: the browser reads it from the disk. */
async function drop(path) {
  const given = await page.evaluateHandle(() => document.body.appendChild(document.createElement('input')));
  await given.evaluate((input) => Object.assign(input, { type: 'file', hidden: true }));
  await given.setInputFiles(path);
  const data = await given.evaluateHandle((input) => {
    const transfer = new DataTransfer();
    transfer.items.add(input.files[0]);
    return transfer;
  });
  for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('main', event, { dataTransfer: data });
  await given.evaluate((input) => input.remove());
}

/** A line that carries so many bytes a second away; -1: as many as it can. */
async function narrow(bytes) {
  await line.send('Network.enable');
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes };
  await line.send('Network.emulateNetworkConditions', conditions);
}

const commands = {
  open: async ({ url }) => {
    house = new URL(url).origin;
    await page.goto(url);
  },
  see: () => page.evaluate(see),
  drop: ({ path }) => drop(path),
  narrow: ({ bytes }) => narrow(bytes),
  reload: async () => {
    await page.reload();
  },
  click: ({ name }) => page.getByRole('button', { name }).first().click(),
  shoot: ({ path }) => page.screenshot({ path, fullPage: true }),
  told: () => ({ strangers, complaints, address: page.url() }),
};

await obey(commands);
await browser.close();
