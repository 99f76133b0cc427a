//! The watch page's start: finds show and ticket, then carries the machine's wishes out.
//!
//! In: the address. Out: a playing page. Knows all the others; they do not know each other.

import { exchange, fetchShow } from './api';
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
view.stage.append(stats.element, controls.element);

function dispatch(event: Event): void {
  const [next, effects] = step(model, event);
  model = next;
  effects.forEach(carryOut);
  render();
}

function carryOut(effect: Effect): void {
  switch (effect.do) {
    case 'exchange':
      return void swap(effect.ticket);
    case 'remember':
      return sessionStorage.setItem(drawer, effect.ticket);
    case 'forget':
      return sessionStorage.removeItem(drawer);
    case 'attach':
      return player.attach(effect.url, effect.mode);
    case 'detach':
      return player.detach();
    case 'retry':
      window.clearTimeout(retryTimer);
      retryTimer = window.setTimeout(() => dispatch({ type: 'retry' }), jitter(effect.afterMs));
  }
}

async function swap(ticket: string): Promise<void> {
  exchanges += 1;
  const mine = exchanges;
  const answer = await exchange(show, ticket);
  if (mine !== exchanges) return; // another ticket was given meanwhile
  if ('ok' in answer) dispatch({ type: 'accepted', playback: answer.ok });
  else if ('refused' in answer) dispatch({ type: 'refused', code: answer.refused });
  else dispatch({ type: 'unreachable' });
}

/** Follows the show's state for as long as the page is open. */
async function follow(failures: number): Promise<void> {
  const answer = await fetchShow(show);
  let failed = 0;
  if ('ok' in answer) dispatch({ type: 'show', show: answer.ok });
  else if ('refused' in answer && answer.refused === 'show_unknown') {
    return dispatch({ type: 'refused', code: answer.refused });
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

window.setInterval(() => model.phase === 'waiting' && render(), DRAW_EVERY_MS);
window.addEventListener('hashchange', () => {
  const ticket = ticketInAddress();
  if (ticket !== null) dispatch({ type: 'ticket', ticket });
});
dispatch({ type: 'ticket', ticket: ticketInAddress() ?? sessionStorage.getItem(drawer) });
void follow(0);
