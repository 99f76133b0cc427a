//! Where the viewer stands, from the ticket to the end of the show. Pure.
//!
//! In: what happened, one event at a time. Out: the next model, and what is to be done. Does not know the page, the
//! player, the network or the clock.
//!
//! The way: ticket → checking → waiting → joining → live ⇄ off-air → ended → recording. `trouble` is a detour that
//! leads back by itself; `refused` is final until another ticket is given.

import type { Playback, Problem, Show } from './api';

/** Why a ticket does not admit. */
export type Refusal =
  | 'wrong'
  | 'expired'
  | 'revoked'
  | 'no-show'
  | 'too-many'
  | 'too-often'
  | 'displaced'
  | 'devices-full'
  | 'preview-over'
  | 'country'
  | 'network'
  | 'tier';

/** What the page shows. */
export type Phase =
  | 'ticket'
  | 'checking'
  | 'refused'
  | 'waiting'
  | 'joining'
  | 'blocked'
  | 'live'
  | 'off-air'
  | 'trouble'
  | 'ended'
  | 'recording';

/** What plays. */
export type Mode = 'live' | 'recording';

export interface Model {
  phase: Phase;
  /** Why, in the phase `refused`. */
  refusal: Refusal | null;
  /** What else the house says of it: the device that took over, or those that play. */
  detail: string | null;
  ticket: string | null;
  show: Show | null;
  playback: Playback | null;
  /** The session this device had last from its ticket. */
  session: string | null;
  mode: Mode;
  /** Whether a player holds the source. */
  attached: boolean;
  /** Whether the picture moves. */
  moving: boolean;
  /** Tries since the picture last moved. */
  attempt: number;
  /** Whether the token was renewed since the picture last moved: once is enough. */
  renewed: boolean;
}

export type Event =
  | { type: 'ticket'; ticket: string | null; session?: string | null }
  | { type: 'accepted'; playback: Playback }
  | ({ type: 'refused' } & Problem)
  | { type: 'returned' }
  | { type: 'take-back' }
  | { type: 'unreachable' }
  | { type: 'show'; show: Show }
  | { type: 'playing' }
  | { type: 'starved' }
  | { type: 'lost' }
  | { type: 'blocked' }
  | { type: 'finished' }
  | { type: 'retry' }
  | { type: 'watch-recording' };

export type Effect =
  | { do: 'exchange'; ticket: string; session: string | null }
  | { do: 'remember'; ticket: string; session: string }
  | { do: 'forget' }
  | { do: 'attach'; url: string; mode: Mode }
  | { do: 'detach' }
  | { do: 'retry'; afterMs: number };

export type Step = [Model, Effect[]];

/** Tries to join that are nothing to talk about: the first playlist may take a moment. */
const QUIET_ATTEMPTS = 4;
/** How long the player's own retries are waited for before the page begins anew, in milliseconds. */
const PLAYER_RETRY_MS = 6000;
/** How long a running picture may go on after the show was declared ended, in milliseconds. */
const ENDING_MS = 5000;

export const initial: Model = {
  phase: 'ticket',
  refusal: null,
  detail: null,
  ticket: null,
  show: null,
  playback: null,
  session: null,
  mode: 'live',
  attached: false,
  moving: false,
  attempt: 0,
  renewed: false,
};

/** One step. The effects are to be carried out in order. */
export function step(model: Model, event: Event): Step {
  switch (event.type) {
    case 'ticket':
      return ticketGiven(model, event.ticket, event.session ?? null);
    case 'accepted':
      return accepted({ ...model, playback: event.playback, session: event.playback.session, attempt: 0 });
    case 'refused':
      return refused(model, event);
    case 'show':
      return showSeen({ ...model, show: event.show }, event.show.state, model.show?.state);
    case 'playing':
      return playing(model);
    case 'starved':
      return lost({ ...model, moving: false }, PLAYER_RETRY_MS);
    case 'lost':
      return lost({ ...model, moving: false }, backOffMs(model.attempt));
    case 'unreachable':
      return trouble(model, backOffMs(model.attempt));
    case 'blocked':
      return [model.phase === 'joining' ? { ...model, phase: 'blocked' } : model, []];
    case 'finished':
      return isPlaying(model) ? ended(model) : [model, []];
    case 'retry':
      return retry(model);
    case 'returned':
      return model.playback === null ? [model, []] : exchangeAgain({ ...model, attempt: 0 });
    case 'take-back':
      return model.refusal === 'displaced' ? exchangeAgain({ ...model, session: null }) : [model, []];
    case 'watch-recording':
      return watchRecording(model);
  }
}

/** How long to wait before try `attempt + 1`, in milliseconds, before jitter. */
export function backOffMs(attempt: number): number {
  return Math.min(500 * 2 ** attempt, 10_000);
}

function ticketGiven(model: Model, ticket: string | null, session: string | null): Step {
  const fresh: Model = { ...initial, show: model.show, ticket, session };
  const away: Effect[] = model.attached ? [{ do: 'detach' }] : [];
  if (ticket === null) return [fresh, [...away, { do: 'forget' }]];
  return [{ ...fresh, phase: 'checking' }, [...away, { do: 'exchange', ticket, session }]];
}

function accepted(model: Model): Step {
  const { ticket, session } = model;
  const keep: Effect[] = ticket === null || session === null ? [] : [{ do: 'remember', ticket, session }];
  const [next, effects] = enter(model);
  return [next, [...keep, ...effects]];
}

/** Where an admitted viewer goes: it depends on the show. */
function enter(model: Model): Step {
  if (model.mode === 'recording') return attach(model);
  switch (model.show?.state) {
    case 'live':
      return attach(model);
    case 'interrupted':
      return [{ ...model, phase: 'off-air' }, []];
    case 'ended':
      return [{ ...model, phase: 'ended' }, []];
    default:
      return [{ ...model, phase: 'waiting' }, []];
  }
}

function attach(model: Model, phase: Phase = 'joining'): Step {
  if (model.playback === null) return exchangeAgain(model);
  const effect: Effect = { do: 'attach', url: model.playback.playlist_url, mode: model.mode };
  return [{ ...model, phase, attached: true, moving: false }, [effect]];
}

function exchangeAgain(model: Model): Step {
  if (model.ticket === null) return [{ ...initial, show: model.show }, []];
  const effect: Effect = { do: 'exchange', ticket: model.ticket, session: model.session };
  return [{ ...model, phase: 'checking', playback: null }, [effect]];
}

/** Codes that another token for the same session may mend: it is old, or the device is in another network now. */
const AGED = [
  'token_expired', 'session_expired', 'session_forged', 'session_malformed', 'session_wrong_network', 'tier_too_low',
];
/** Refusals that may pass, or that the viewer can undo: the ticket is kept. */
const PASSING: Refusal[] = ['too-many', 'too-often', 'displaced', 'devices-full', 'country', 'network', 'tier'];

function refused(model: Model, { code, detail }: Problem): Step {
  // The place was given up by leaving, and taken: whoever comes back is a new device.
  if (code === 'ended' && model.session !== null) return exchangeAgain({ ...model, session: null });
  // Further back than the ticket reaches: the live edge is always within it.
  if (code === 'dvr_too_far') return lost({ ...model, moving: false }, 0);
  if (AGED.includes(code) && !model.renewed) {
    return exchangeAgain({ ...model, renewed: true });
  }
  const refusal = refusalOf(code);
  const gone: Model = { ...initial, phase: 'refused', refusal, detail, show: model.show };
  // A ticket that will never admit again is not kept.
  const effects: Effect[] = [{ do: 'detach' }];
  return PASSING.includes(refusal)
    ? [{ ...gone, ticket: model.ticket, session: model.session, mode: model.mode }, effects]
    : [gone, [...effects, { do: 'forget' }]];
}

const REFUSALS: Record<string, Refusal> = {
  revoked: 'revoked',
  ticket_revoked: 'revoked',
  ticket_expired: 'expired',
  token_expired: 'expired',
  session_expired: 'expired',
  show_unknown: 'no-show',
  not_found: 'no-show',
  too_many_sessions: 'too-many',
  too_many_attempts: 'too-often',
  displaced: 'displaced',
  devices_full: 'devices-full',
  preview_over: 'preview-over',
  country_denied: 'country',
  session_wrong_network: 'network',
  tier_too_low: 'tier',
};

function refusalOf(code: string): Refusal {
  // Whatever else stands on the deny list was put there by the house.
  return REFUSALS[code] ?? (/^(ticket|token|session|field|body)_/.test(code) ? 'wrong' : 'revoked');
}

type State = Show['state'];

function showSeen(model: Model, state: State, before: State | undefined): Step {
  if (model.mode === 'recording') return [model, []];
  switch (model.phase) {
    case 'waiting':
      return state === 'scheduled' ? [model, []] : enter(model);
    case 'off-air':
      if (state === 'ended') return ended(model);
      if (state !== 'live') return [model, []];
      if (model.moving) return [{ ...model, phase: 'live' }, []];
      // The player may still hold on to the playlist; if not, begin anew.
      return model.attached
        ? [{ ...model, phase: 'joining', attempt: 0 }, [{ do: 'retry', afterMs: 2500 }]]
        : attach({ ...model, attempt: 0 });
    case 'ended':
      return state === 'live' && model.playback !== null ? attach(model) : [model, []];
    case 'joining':
    case 'blocked':
    case 'live':
    case 'trouble':
      if (state === 'interrupted') return [{ ...model, phase: 'off-air' }, []];
      if (state !== 'ended' || model.playback === null) return [model, []];
      if (!model.moving) return ended(model);
      return [model, before === 'ended' ? [] : [{ do: 'retry', afterMs: ENDING_MS }]];
    default:
      return [model, []];
  }
}

function playing(model: Model): Step {
  const moving: Model = { ...model, moving: true, attempt: 0, renewed: false };
  const arrives = ['joining', 'blocked', 'trouble'].includes(model.phase) && model.attached;
  if (!arrives) return [model.attached ? moving : model, []];
  return [{ ...moving, phase: model.mode === 'recording' ? 'recording' : 'live' }, []];
}

/** The picture stands still, or the player gave up. */
function lost(model: Model, afterMs: number): Step {
  if (!isPlaying(model)) return [model, []];
  const state = model.mode === 'live' ? model.show?.state : undefined;
  if (model.phase === 'off-air' || state === 'interrupted') {
    return [{ ...model, phase: 'off-air' }, []];
  }
  if (state === 'ended') return ended(model);
  if (model.phase === 'joining' && model.attempt < QUIET_ATTEMPTS) {
    return [model, [{ do: 'retry', afterMs }]];
  }
  return trouble(model, afterMs);
}

function trouble(model: Model, afterMs: number): Step {
  return [{ ...model, phase: 'trouble', moving: false }, [{ do: 'retry', afterMs }]];
}

function retry(model: Model): Step {
  const again: Model = { ...model, attempt: model.attempt + 1 };
  if (model.phase === 'refused' && model.ticket !== null) return exchangeAgain(again);
  if (model.phase === 'live') return model.show?.state === 'ended' ? ended(model) : [model, []];
  if (model.phase === 'trouble') return attach(again, 'trouble');
  return model.phase === 'joining' && !model.moving ? attach(again) : [model, []];
}

function ended(model: Model): Step {
  const next: Model = { ...model, phase: 'ended', mode: 'live', attached: false, moving: false };
  return [next, model.attached ? [{ do: 'detach' }] : []];
}

/** A recording begins with a fresh token: the show may have ended long ago. */
function watchRecording(model: Model): Step {
  if (model.phase !== 'ended') return [model, []];
  return exchangeAgain({ ...model, mode: 'recording', attempt: 0 });
}

function isPlaying(model: Model): boolean {
  return model.attached;
}
