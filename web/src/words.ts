//! What the page says in each phase, and how it writes times and numbers. Pure.
//!
//! In: a model and the time. Out: texts. Does not know elements.

import type { Icon } from './dom';
import type { Model, Refusal } from './state';

/** What a button of a panel does. */
export type Action = 'give-ticket' | 'play' | 'retry' | 'take-back' | 'watch-recording';

/** A panel over the stage. */
export interface Panel {
  icon: Icon;
  title: string;
  text: string;
  /** The button; `give-ticket` is a field with a button. */
  action: { does: Action; label: string } | null;
  /** Whether the picture stays in sight behind a slim notice. */
  notice: boolean;
  busy: boolean;
}

/** The pill beside the title. */
export interface Badge {
  tone: 'live' | 'wait' | 'off' | 'quiet';
  text: string;
}

const GIVE = { does: 'give-ticket', label: 'Watch' } as const;

const REFUSALS: Record<Refusal, Omit<Panel, 'notice' | 'busy'>> = {
  wrong: {
    icon: 'ticket',
    title: 'This ticket does not fit',
    text: 'It is not a ticket for this show. Check that you copied all of it, or open the link you were sent.',
    action: GIVE,
  },
  expired: {
    icon: 'clock',
    title: 'This ticket has expired',
    text: 'Its time is over. If you have a newer one, paste it here; else ask whoever sold it to you.',
    action: GIVE,
  },
  revoked: {
    icon: 'stop',
    title: 'This ticket was withdrawn',
    text: 'The organiser revoked it, so the picture has stopped. Ask them if you think this is a mistake.',
    action: GIVE,
  },
  'no-show': {
    icon: 'search',
    title: 'There is no such show',
    text: 'The address may be incomplete. Open the link you were sent once more.',
    action: null,
  },
  'too-many': {
    icon: 'ticket',
    title: 'This ticket is in use',
    text: 'It plays on as many devices as it may. Close the show on another one, then try again.',
    action: { does: 'retry', label: 'Try again' },
  },
  'too-often': {
    icon: 'clock',
    title: 'Too many wrong tickets',
    text: 'Too many were tried from here. Wait a minute, then try again.',
    action: { does: 'retry', label: 'Try again' },
  },
  displaced: {
    icon: 'devices',
    title: 'Playing on another device',
    text: 'The show goes on there. Your ticket does not play on more devices at once.',
    action: { does: 'take-back', label: 'Watch here' },
  },
  'devices-full': {
    icon: 'devices',
    title: 'Playing on other devices',
    text: 'Your ticket plays on as many devices as it may. Close the show on one of them, then try again.',
    action: { does: 'retry', label: 'Try again' },
  },
  'preview-over': {
    icon: 'film',
    title: 'That was the preview',
    text: 'The show goes on for those with a full ticket. If you have one, paste it here.',
    action: GIVE,
  },
  country: {
    icon: 'globe',
    title: 'Not shown where you are',
    text: 'This ticket is not for the country you watch from. If you use a VPN, switch it off and try again.',
    action: { does: 'retry', label: 'Try again' },
  },
  network: {
    icon: 'trouble',
    title: 'Another network',
    text: 'Your ticket is tied to the network it began on. Go back to that one, or try again from here.',
    action: { does: 'retry', label: 'Try again' },
  },
  tier: {
    icon: 'ticket',
    title: 'Not in this ticket',
    text: 'Your ticket does not reach to this picture. Try again, or ask the organiser for a bigger one.',
    action: { does: 'retry', label: 'Try again' },
  },
};

/** The panel of a refusal; it names devices where the house did. */
function refusalPanel({ refusal, detail }: Model): Omit<Panel, 'notice' | 'busy'> {
  const known = REFUSALS[refusal ?? 'wrong'];
  if (detail === null || detail === '') return known;
  if (refusal === 'displaced') {
    return detail === 'another device' ? known : { ...known, title: `${detail} took over` };
  }
  if (refusal === 'devices-full') {
    const playing = /^the ticket plays on (.{1,200}) already/.exec(detail)?.[1];
    if (playing === undefined || playing.includes('another device')) return known;
    return { ...known, text: `Your ticket plays on as many as it may: ${playing}. Close the show there, then try again.` };
  }
  return known;
}

/** The panel of a phase, or null where the picture speaks for itself. `now` is in milliseconds. */
export function panel(model: Model, now: number): Panel | null {
  const plain = { action: null, notice: false, busy: false };
  switch (model.phase) {
    case 'ticket':
      return {
        ...plain,
        icon: 'ticket',
        title: 'Your ticket, please',
        text: 'Paste your ticket, or the whole link you were sent.',
        action: GIVE,
      };
    case 'checking':
      return { ...plain, icon: 'ticket', title: 'Checking your ticket', text: '', busy: true };
    case 'refused':
      return { ...plain, ...refusalPanel(model) };
    case 'waiting':
      if (model.show === null) return { ...plain, icon: 'play', title: 'Joining', text: '', busy: true };
      return { ...plain, icon: 'clock', title: waitingTitle(model, now), text: waitingText(model, now) };
    case 'joining':
      return { ...plain, icon: 'play', title: 'Joining', text: '', busy: true, notice: model.attempt > 0 };
    case 'blocked':
      return {
        ...plain,
        icon: 'play',
        title: 'Ready when you are',
        text: 'Your browser asks for a tap before it plays.',
        action: { does: 'play', label: 'Play' },
      };
    case 'off-air':
      return {
        ...plain,
        icon: 'pauseAir',
        title: 'Off air for a moment',
        text: 'The broadcast was interrupted. It goes on here by itself.',
        notice: true,
      };
    case 'trouble':
      return {
        ...plain,
        icon: 'trouble',
        title: 'Reconnecting',
        text: 'The connection was lost. We keep trying; check your network if this lasts.',
        action: { does: 'retry', label: 'Try now' },
        notice: model.playback !== null,
        busy: true,
      };
    case 'ended':
      return {
        ...plain,
        icon: 'film',
        title: 'The show is over',
        text: 'Thank you for watching. You can see it again from the start.',
        action: { does: 'watch-recording', label: 'Watch the recording' },
      };
    default:
      return null;
  }
}

export function badge(model: Model, now: number): Badge | null {
  switch (model.phase) {
    case 'live':
      if (model.playback?.policy?.preview_s !== undefined) {
        const left = Math.max(0, model.playback.expires_at * 1000 - now);
        return { tone: 'wait', text: `Preview · ${countdown(left)} left` };
      }
      return { tone: 'live', text: 'Live' };
    case 'recording':
      return { tone: 'quiet', text: 'Recording' };
    case 'trouble':
      return { tone: 'wait', text: 'Reconnecting' };
    default:
  }
  switch (model.show?.state) {
    case 'live':
      return { tone: 'live', text: 'Live' };
    case 'scheduled':
      return { tone: 'wait', text: 'Soon' };
    case 'interrupted':
      return { tone: 'off', text: 'Off air' };
    case 'ended':
      return { tone: 'quiet', text: 'Ended' };
    default:
      return null;
  }
}

function waitingTitle(model: Model, now: number): string {
  const left = leftMs(model, now);
  return left > 0 ? `Starts in ${countdown(left)}` : 'Starting soon';
}

function waitingText(model: Model, now: number): string {
  const stay = 'Your ticket is good. Stay here: it starts by itself.';
  if (leftMs(model, now) <= 0) return stay;
  const at = new Date((model.show?.starts_at ?? 0) * 1000);
  const day = at.toLocaleDateString(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
  const time = at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  return `${day}, ${time}. ${stay}`;
}

function leftMs(model: Model, now: number): number {
  return (model.show?.starts_at ?? 0) * 1000 - now;
}

/** A span as people say it: `3 days 4 h`, `2 h 05 min`, `4:07`. */
export function countdown(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (days > 0) return `${days} ${days === 1 ? 'day' : 'days'}${hours > 0 ? ` ${hours} h` : ''}`;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, '0')} min`;
  return `${minutes}:${String(rest).padStart(2, '0')}`;
}

/** A place in a recording: `4:07`, `1:04:07`. */
export function position(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(s).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${tail}` : `${m}:${tail}`;
}

/** A bit rate: `640 kb/s`, `2.4 Mb/s`. */
export function bitRate(bitsPerSecond: number): string {
  if (bitsPerSecond >= 1e6) return `${(bitsPerSecond / 1e6).toFixed(1)} Mb/s`;
  return `${Math.round(bitsPerSecond / 1e3)} kb/s`;
}

/** A rung: `1080p`, `1080p HDR`; with its rate `1080p25`. */
export function rungName({ height, isHdr }: { height: number; isHdr: boolean }, rate = ''): string {
  return `${height}p${rate}${isHdr ? ' HDR' : ''}`;
}

/** The ticket in what was pasted: the ticket itself, or a link with `#ticket=`. */
export function ticketIn(pasted: string): string | null {
  const text = pasted.trim();
  const fragment = text.split('#')[1];
  const ticket = fragment === undefined ? text : new URLSearchParams(fragment).get('ticket');
  return ticket === null || ticket === '' ? null : ticket;
}
