//! The viewer's way, step by step.

import { describe, expect, it } from 'vitest';
import type { Show } from '../../src/api';
import { backOffMs, initial, step, type Effect, type Event, type Model } from '../../src/state';

const playback = { session: 's', token: 't', playlist_url: '/live/x/index.m3u8?token=t', expires_at: 9 };
const show = (state: Show['state']): Event => ({ type: 'show', show: { show: 'x', title: 'T', state } });

/** Runs events and answers the last model and all effects. */
function run(...events: Event[]): { model: Model; effects: Effect[]; did: string[] } {
  let model = initial;
  const effects: Effect[] = [];
  for (const event of events) {
    const [next, wanted] = step(model, event);
    model = next;
    effects.push(...wanted);
  }
  return { model, effects, did: effects.map((effect) => effect.do) };
}

const ticket: Event = { type: 'ticket', ticket: 'k' };
const accepted: Event = { type: 'accepted', playback };
const playing: Event = { type: 'playing' };
const watching = [show('live'), ticket, accepted, playing];

describe('to the picture', () => {
  it('asks for a ticket where there is none', () => {
    expect(run({ type: 'ticket', ticket: null }).model.phase).toBe('ticket');
  });
  it('joins a live show and remembers the ticket', () => {
    const { model, did } = run(...watching);
    expect(model.phase).toBe('live');
    expect(did).toEqual(['exchange', 'remember', 'attach']);
  });
  it('waits for a show and starts by itself', () => {
    const { model } = run(show('scheduled'), ticket, accepted);
    expect(model.phase).toBe('waiting');
    const [next, effects] = step(model, show('live'));
    expect(next.phase).toBe('joining');
    expect(effects).toEqual([{ do: 'attach', url: playback.playlist_url, mode: 'live' }]);
  });
  it('waits until the state is known', () => {
    const { model } = run(ticket, accepted);
    expect(model.phase).toBe('waiting');
    expect(step(model, show('live'))[0].phase).toBe('joining');
  });
  it('asks for a touch where the browser wants one', () => {
    const { model } = run(show('live'), ticket, accepted, { type: 'blocked' });
    expect(model.phase).toBe('blocked');
    expect(step(model, playing)[0].phase).toBe('live');
  });
  it('is patient with a show that has no playlist yet', () => {
    const { model, effects } = run(show('live'), ticket, accepted, { type: 'lost' });
    expect(model.phase).toBe('joining');
    expect(effects.at(-1)).toEqual({ do: 'retry', afterMs: 500 });
    expect(step(model, { type: 'retry' })[1][0]?.do).toBe('attach');
  });
});

describe('refusals', () => {
  const cases: [string, string][] = [
    ['ticket_unknown', 'wrong'],
    ['ticket_wrong_show', 'wrong'],
    ['field_invalid', 'wrong'],
    ['token_forged', 'wrong'],
    ['ticket_expired', 'expired'],
    ['ticket_revoked', 'revoked'],
    ['revoked', 'revoked'],
    ['banned', 'revoked'],
    ['show_unknown', 'no-show'],
    ['too_many_sessions', 'too-many'],
    ['too_many_attempts', 'too-often'],
    ['displaced', 'displaced'],
    ['devices_full', 'devices-full'],
    ['preview_over', 'preview-over'],
    ['country_denied', 'country'],
  ];
  it.each(cases)('%s', (code, refusal) => {
    const { model } = run(show('live'), ticket, { type: 'refused', code, detail: null });
    expect([model.phase, model.refusal]).toEqual(['refused', refusal]);
  });
  it('stops a running picture at once and forgets the ticket', () => {
    const { model, did } = run(...watching, { type: 'refused', code: 'revoked', detail: null });
    expect(model).toMatchObject({ phase: 'refused', refusal: 'revoked', attached: false });
    expect(did.slice(-2)).toEqual(['detach', 'forget']);
  });
  it('does not come back by itself', () => {
    const { model } = run(...watching, { type: 'refused', code: 'revoked', detail: null });
    for (const event of [show('live'), playing, { type: 'retry' } as Event, { type: 'lost' } as Event]) {
      expect(step(model, event)[0].phase).toBe('refused');
      expect(step(model, event)[1]).toEqual([]);
    }
  });
  it('renews an aged session once, and once only', () => {
    const aged: Event = { type: 'refused', code: 'session_expired', detail: null };
    const { model, effects } = run(...watching, aged);
    expect(effects.at(-1)).toEqual({ do: 'exchange', ticket: 'k', session: 's' });
    const again = step(step(model, accepted)[0], aged)[0];
    expect([again.phase, again.refusal]).toEqual(['refused', 'expired']);
  });
  it.each(['session_wrong_network', 'tier_too_low'])('asks for another token first: %s', (code) => {
    const refused: Event = { type: 'refused', code, detail: null };
    const { model, effects } = run(...watching, refused);
    expect([model.phase, effects.at(-1)]).toEqual(['checking', { do: 'exchange', ticket: 'k', session: 's' }]);
    expect(step(step(model, accepted)[0], refused)[0].phase).toBe('refused');
  });
  it('goes back to the live edge where the ticket does not reach further back', () => {
    const { model, effects } = run(...watching, { type: 'refused', code: 'dvr_too_far', detail: null });
    expect([model.phase, effects.at(-1)]).toEqual(['trouble', { do: 'retry', afterMs: 0 }]);
    expect(step(model, { type: 'retry' })[1][0]?.do).toBe('attach');
  });
  it('takes another ticket', () => {
    const { model } = run(ticket, { type: 'refused', code: 'ticket_unknown', detail: null });
    expect(step(model, { type: 'ticket', ticket: 'n' })[1]).toEqual([{ do: 'exchange', ticket: 'n', session: null }]);
  });
});

describe('off air and back', () => {
  const offAir = [...watching, show('interrupted')];
  it('says so and keeps the player', () => {
    const { model, did } = run(...offAir);
    expect(model.phase).toBe('off-air');
    expect(did).not.toContain('detach');
  });
  it('stays off air while the player starves or gives up', () => {
    expect(run(...offAir, { type: 'starved' }, { type: 'lost' }).model.phase).toBe('off-air');
  });
  it('goes on by itself', () => {
    const { model, effects } = run(...offAir, { type: 'starved' }, show('live'));
    expect(model.phase).toBe('joining');
    expect(effects.at(-1)?.do).toBe('retry');
    expect(step(model, playing)[0].phase).toBe('live');
    expect(step(model, { type: 'retry' })[1][0]?.do).toBe('attach');
  });
  it('goes on at once where the picture never stopped', () => {
    expect(run(...offAir, show('live')).model.phase).toBe('live');
  });
  it('shows the notice to someone who comes in between, then starts', () => {
    const { model } = run(show('interrupted'), ticket, accepted);
    expect(model.phase).toBe('off-air');
    expect(step(model, show('live'))[1][0]?.do).toBe('attach');
  });
  it('ends if nobody comes back', () => {
    expect(run(...offAir, show('ended')).model.phase).toBe('ended');
  });
});

describe('the end', () => {
  it('lets the last seconds play', () => {
    const { model, effects } = run(...watching, show('ended'));
    expect(model.phase).toBe('live');
    expect(effects.at(-1)?.do).toBe('retry');
    expect(step(model, show('ended'))[1]).toEqual([]);
    expect(step(model, { type: 'finished' })[0].phase).toBe('ended');
    expect(step(model, { type: 'retry' })[0].phase).toBe('ended');
  });
  it('offers the recording, with a fresh token', () => {
    const { model } = run(show('ended'), ticket, accepted);
    expect(model.phase).toBe('ended');
    const [asked, wanted] = step(model, { type: 'watch-recording' });
    expect(wanted).toEqual([{ do: 'exchange', ticket: 'k', session: 's' }]);
    const [joined, effects] = step(asked, accepted);
    expect(effects.at(-1)).toEqual({ do: 'attach', url: playback.playlist_url, mode: 'recording' });
    const [seen] = step(joined, playing);
    expect(seen.phase).toBe('recording');
    expect(step(seen, show('ended'))[0].phase).toBe('recording');
    expect(step(seen, { type: 'finished' })[0].phase).toBe('ended');
  });
});

describe('trouble', () => {
  it('is told when the picture stands, and over when it moves', () => {
    const { model } = run(...watching, { type: 'starved' });
    expect(model.phase).toBe('trouble');
    expect(step(model, playing)[0].phase).toBe('live');
  });
  it('tries again, slower each time', () => {
    const first = run(...watching, { type: 'lost' }).model;
    const [second, effects] = step(first, { type: 'retry' });
    expect(effects[0]?.do).toBe('attach');
    expect(step(second, { type: 'lost' })[1]).toEqual([{ do: 'retry', afterMs: 1000 }]);
    expect([0, 1, 2, 9].map(backOffMs)).toEqual([500, 1000, 2000, 10_000]);
  });
  it('asks again where no ticket was checked yet', () => {
    const { model } = run(ticket, { type: 'unreachable' });
    expect(model.phase).toBe('trouble');
    expect(step(model, { type: 'retry' })[1]).toEqual([{ do: 'exchange', ticket: 'k', session: null }]);
  });
});

describe('devices', () => {
  const displaced: Event = { type: 'refused', code: 'displaced', detail: 'Firefox on Android' };
  it('stops at once when another takes over, and says which', () => {
    const { model, did } = run(...watching, displaced);
    expect(model).toMatchObject({ refusal: 'displaced', detail: 'Firefox on Android', attached: false });
    expect(did.at(-1)).toBe('detach');
  });
  it('takes it back as a new device, when it is told to and not before', () => {
    const { model } = run(...watching, displaced);
    for (const event of [show('live'), playing, { type: 'lost' } as Event]) {
      expect(step(model, event)).toEqual([model, []]);
    }
    const [asking, effects] = step(model, { type: 'take-back' });
    expect(effects).toEqual([{ do: 'exchange', ticket: 'k', session: null }]);
    expect(step(asking, accepted)[0].phase).toBe('joining');
  });
  it('is the same device after a reload', () => {
    const { effects } = run({ type: 'ticket', ticket: 'k', session: 's' });
    expect(effects).toEqual([{ do: 'exchange', ticket: 'k', session: 's' }]);
    expect(run(...watching).effects[1]).toEqual({ do: 'remember', ticket: 'k', session: 's' });
  });
  it('asks again when it comes back from the shelf of left pages', () => {
    const { effects } = run(...watching, { type: 'returned' });
    expect(effects.at(-1)).toEqual({ do: 'exchange', ticket: 'k', session: 's' });
    const left: Event = { type: 'refused', code: 'ended', detail: null };
    const after = run(...watching, { type: 'returned' }, left);
    expect(after.effects.at(-1)).toEqual({ do: 'exchange', ticket: 'k', session: null });
  });
});
