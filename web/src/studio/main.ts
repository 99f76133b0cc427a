//! The studio's start: finds the credential, then joins uploads and assets.
//!
//! In: the address, drops. Out: a page. Knows all the others; uploads and assets do not know each other.

import { el } from '../dom';
import { Assets } from './assets';
import { button, icon, speaker } from './draw';
import { forgetToken, gate, keptToken, knock, tokenInAddress } from './gate';
import { House } from './house';
import { Uploads } from './uploads';
import { Usage } from './usage';

const out = button('plain', 'Sign out', () => leave(null));
const main = el('main', { class: 'studio' });
const veil = el('div', { class: 'over', hidden: true }, icon('upload'), el('p', {}, 'Drop to upload'));
let room: { uploads: Uploads; assets: Assets; usage: Usage } | null = null;
/** How many elements a drag is over; `dragleave` tells of each. */
let over = 0;

function enter(house: House): void {
  close();
  house.onSignedOut = () => leave('The house does not take this credential any more.');
  const [uploads, assets, usage] = [new Uploads(house), new Assets(house), new Usage(house)];
  uploads.onAsset = (asset) => {
    void assets.add(asset);
    void usage.ask();
  };
  room = { uploads, assets, usage };
  main.replaceChildren(el('h1', { class: 'unseen' }, 'Studio'), usage.element, uploads.element, assets.element);
  out.hidden = false;
}

function leave(why: string | null): void {
  forgetToken();
  close();
  door(why);
}

function close(): void {
  room?.uploads.close();
  room?.assets.close();
  room?.usage.close();
  room = null;
}

function door(why: string | null): void {
  out.hidden = true;
  main.replaceChildren(gate(why, enter));
  main.querySelector('input')?.focus();
}

async function start(): Promise<void> {
  const token = tokenInAddress() ?? keptToken();
  if (token === null) return door(null);
  const answer = await knock(token);
  if (answer instanceof House) enter(answer);
  else door(answer);
}

/** Files alone: what is dragged within a page is none of ours. */
function hasFiles(event: DragEvent): boolean {
  return room !== null && (event.dataTransfer?.types.includes('Files') ?? false);
}

function drag(change: number): void {
  over = Math.max(0, over + change);
  veil.hidden = over === 0;
}

/** The files of a drop; a folder is none. */
function dropped(data: DataTransfer): File[] {
  const isFolder = (item: DataTransferItem) => item.webkitGetAsEntry()?.isDirectory === true;
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  return items.filter((item) => !isFolder(item)).map((item) => item.getAsFile()).filter((file) => file !== null);
}

window.addEventListener('dragenter', (event) => hasFiles(event) && drag(1));
window.addEventListener('dragleave', (event) => hasFiles(event) && drag(-1));
window.addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
window.addEventListener('drop', (event) => {
  drag(-Infinity);
  if (!hasFiles(event) || event.dataTransfer === null) return;
  event.preventDefault();
  room?.uploads.take(dropped(event.dataTransfer));
});
window.addEventListener('hashchange', () => location.hash.includes('token=') && void start());

out.hidden = true;
document.body.append(
  el('header', { class: 'top' }, el('p', { class: 'brand' }, icon('logo'), 'Matinee', el('span', {}, 'Studio')), out),
  main, veil, speaker,
);
void start();
