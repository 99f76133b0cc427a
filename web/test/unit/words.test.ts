//! What the page says.

import { expect, it } from 'vitest';
import { initial, type Model, type Phase } from '../../src/state';
import { badge, bitRate, countdown, panel, position, rungName, ticketIn } from '../../src/words';

it('writes spans, places and rates as people do', () => {
  expect(countdown(4 * 60_000 + 6100)).toBe('4:07');
  expect(countdown(125 * 60_000)).toBe('2 h 05 min');
  expect(countdown(86_400_000)).toBe('1 day');
  expect(countdown((3 * 24 + 4) * 3_600_000)).toBe('3 days 4 h');
  expect(position(247)).toBe('4:07');
  expect(position(3847)).toBe('1:04:07');
  expect(position(NaN)).toBe('0:00');
  expect(bitRate(2_430_000)).toBe('2.4 Mb/s');
  expect(bitRate(128_000)).toBe('128 kb/s');
  expect(rungName({ height: 1080, isHdr: true })).toBe('1080p HDR');
  expect(rungName({ height: 720, isHdr: false }, '25')).toBe('720p25');
});

it('finds the ticket in what was pasted', () => {
  expect(ticketIn('  abc\n')).toBe('abc');
  expect(ticketIn('https://h/watch/x#ticket=abc')).toBe('abc');
  expect(ticketIn('https://h/watch/x#')).toBeNull();
  expect(ticketIn('')).toBeNull();
});

it('has a panel for every phase but those with a picture', () => {
  const phases: Phase[] = [
    'ticket', 'checking', 'refused', 'waiting', 'joining', 'blocked', 'off-air', 'trouble', 'ended',
  ];
  for (const phase of phases) expect(panel({ ...initial, phase }, 0)?.title).toBeTruthy();
  for (const phase of ['live', 'recording'] as const) expect(panel({ ...initial, phase }, 0)).toBeNull();
});

it('counts down to a known start', () => {
  const show = { show: 'x', title: 'T', state: 'scheduled' as const, starts_at: 100 };
  const model: Model = { ...initial, phase: 'waiting', show };
  expect(panel(model, 40_000)?.title).toBe('Starts in 1:00');
  expect(panel(model, 200_000)?.title).toBe('Starting soon');
  expect(badge(model, 0)?.text).toBe('Soon');
});

it('names the devices that the house names, and nothing else it says', () => {
  const refused = (refusal: Model['refusal'], detail: string | null) =>
    panel({ ...initial, phase: 'refused', refusal, detail }, 0);
  expect(refused('displaced', 'Firefox on Android')?.title).toBe('Firefox on Android took over');
  for (const unnamed of [null, '', 'another device']) {
    expect(refused('displaced', unnamed)?.title).toBe('Playing on another device');
  }
  const full = 'the ticket plays on Safari on iPhone and VLC already: close it there';
  expect(refused('devices-full', full)?.text).toContain(': Safari on iPhone and VLC.');
  expect(refused('devices-full', 'x')?.text).toContain('as many devices as it may');
  expect(refused('revoked', 'what the log says')?.text).not.toContain('log');
});

it('counts a preview down', () => {
  const playback = { session: 's', token: 't', playlist_url: '/', expires_at: 100, policy: { preview_s: 60 } };
  const model: Model = { ...initial, phase: 'live', playback };
  expect(badge(model, 40_000)?.text).toBe('Preview · 1:00 left');
  expect(badge(model, 200_000)?.text).toBe('Preview · 0:00 left');
});
