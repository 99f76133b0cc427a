//! The watch page's start: finds show and ticket, then carries the machine's wishes out.
//!
//! In: the address. Out: a playing page. Knows all the others; they do not know each other.

import { exchange, fetchShow, leave } from './api';
import { Controls } from './controls';
import { Player } from './player';
import { initial, step, type Effect, type Event, type Model } from './state';
import { Stats } from './stats';
import { ticketIn } from './words';
import { View } from './view';

/** How often the show's state is asked for, in milliseconds, before jitter. */
const STATE_EVERY_MS = 2000;
/** Longest wait between two tries, in milliseconds. */
const STATE_EVERY_MS_MAX = 10_000;
/** How often a countdown is drawn, in milliseconds. */
const DRAW_EVERY_MS = 500;

const show = decodeURIComponent(location.pathname.split('/')[2] ?? '');
const drawer = `matinee.ticket.${show}`;
const sessionDrawer = `matinee.session.${show}`;

let model: Model = initial;
let retryTimer = 0;
let exchanges = 0;

const view = new View({
  act: (action) => {
    if (action === 'play') void player.play();
    else dispatch({ type: action });
  },
  ticket: (ticket) => dispatch({ type: 'ticket', ticket }),
});
const player = new Player(view.video, view.still, dispatch);
const stats = new Stats(player);
const controls = new Controls(player, view.stage, () => stats.toggle());
view.stage.append(stats.element, controls.element, player.captions.element);

function dispatch(event: Event): void {
  const [next, effects] = step(model, event);
  model = next;
  effects.forEach(carryOut);
  render();
}

function carryOut(effect: Effect): void {
  switch (effect.do) {
    case 'exchange':
      return void swap(effect.ticket, effect.session);
    case 'remember':
      sessionStorage.setItem(drawer, effect.ticket);
      return sessionStorage.setItem(sessionDrawer, effect.session);
    case 'forget':
      sessionStorage.removeItem(drawer);
      return sessionStorage.removeItem(sessionDrawer);
    case 'attach':
      return player.attach(effect.url, effect.mode);
    case 'detach':
      return player.detach();
    case 'retry':
      window.clearTimeout(retryTimer);
      retryTimer = window.setTimeout(() => dispatch({ type: 'retry' }), jitter(effect.afterMs));
  }
}

async function swap(ticket: string, session: string | null): Promise<void> {
  exchanges += 1;
  const mine = exchanges;
  const answer = await exchange(show, ticket, session);
  if (mine !== exchanges) return; // another ticket was given meanwhile
  if ('ok' in answer) dispatch({ type: 'accepted', playback: answer.ok });
  else if ('refused' in answer) dispatch({ type: 'refused', ...answer.refused });
  else dispatch({ type: 'unreachable' });
}

/** Follows the show's state for as long as the page is open. */
async function follow(failures: number): Promise<void> {
  const answer = await fetchShow(show);
  let failed = 0;
  if ('ok' in answer) dispatch({ type: 'show', show: answer.ok });
  else if ('refused' in answer && answer.refused.code === 'show_unknown') {
    return dispatch({ type: 'refused', ...answer.refused });
  } else failed = failures + 1;
  const wait = Math.min(STATE_EVERY_MS * 2 ** failed, STATE_EVERY_MS_MAX);
  window.setTimeout(() => void follow(failed), jitter(wait));
}

/** So that an audience does not ask all at once. */
function jitter(ms: number): number {
  return ms * (0.85 + Math.random() * 0.3);
}

function render(): void {
  view.render(model, Date.now());
  const { phase, attached } = model;
  controls.show(attached && !['joining', 'blocked'].includes(phase), phase === 'live');
  if (!attached && stats.isOpen) stats.toggle();
}

/** Whether something on the page counts seconds. */
function isCounting(): boolean {
  return model.phase === 'waiting' || (model.phase === 'live' && model.playback?.policy?.preview_s !== undefined);
}

/** Takes the ticket out of the address: what stands there is seen over shoulders and shared by mistake. */
function ticketInAddress(): string | null {
  const ticket = location.hash.includes('ticket=') ? ticketIn(location.href) : null;
  if (ticket !== null) history.replaceState(null, '', location.pathname);
  return ticket;
}

Object.defineProperty(window, 'matinee', {
  value: Object.freeze({
    get state() { return model.phase; },
    get refusal() { return model.refusal; },
    get detail() { return model.detail; },
    get show() { return model.show; },
    get latency() { return player.latency; },
    get behind() { return player.behind; },
    get level() { return player.rung; },
    get levels() { return player.rungs; },
    get buffer() { return player.buffer; },
    get bandwidth() { return player.bandwidth; },
    get stalls() { return player.motion.stalls; },
    get currentTime() { return player.video.currentTime; },
    get playingDate() { return player.playingDate; },
  }),
});

window.setInterval(() => isCounting() && render(), DRAW_EVERY_MS);
window.addEventListener('hashchange', () => {
  const ticket = ticketInAddress();
  if (ticket !== null) dispatch({ type: 'ticket', ticket });
});
window.addEventListener('pagehide', () => {
  const { ticket, playback } = model;
  if (ticket !== null && playback?.policy?.devices_max !== undefined) leave(show, ticket, playback.session);
});
window.addEventListener('pageshow', (event) => event.persisted && dispatch({ type: 'returned' }));
const kept = sessionStorage.getItem(drawer);
const given = ticketInAddress() ?? kept;
// The same ticket in the same tab is the same device.
const session = given !== null && given === kept ? sessionStorage.getItem(sessionDrawer) : null;
dispatch({ type: 'ticket', ticket: given, session });
void follow(0);
