//! What the studio says, how it counts, what it finds of earlier visits.

import { expect, it } from 'vitest';
import type { Asset } from '../../src/studio/house';
import { Pace, patience } from '../../src/studio/pace';
import { kept } from '../../src/studio/unfinished';
import {
  bitRate, clock, isPassing, left, percent, refusal, size, streamFacts, summary, tagsIn, tokenIn, took,
} from '../../src/studio/words';

it('writes sizes, spans and shares as people do', () => {
  expect([0, 999, 1000, 1_440_000_000, 999_950, 250_000_000].map(size))
    .toEqual(['0 B', '999 B', '1.0 kB', '1.4 GB', '1.0 MB', '250 MB']);
  expect([4000, 3_847_000].map(clock)).toEqual(['0:04', '1:04:07']);
  expect([3, 31, 61, 3600, 5000, 7100, 200_000].map(left)).toEqual([
    'a few seconds left', 'about 40 s left', 'about 2 min left', 'about 1 h left', 'about 1 h 30 min left',
    'about 2 h left', 'more than a day left',
  ]);
  expect([bitRate(2_430_000), bitRate(128_000)]).toEqual(['2.4 Mb/s', '128 kb/s']);
  expect([percent(999, 1000), percent(1000, 1000), percent(0, 0)]).toEqual([99, 100, 100]);
});

it('says what a film took and gave', () => {
  const told = { made_bytes: 1_440_000_000, jobs_left: 0, failures: 0, cpu_ms: 3_847_000, sessions: 0, sessions_active: 0 };
  expect(took(told)).toEqual([['Made of it', '1.4 GB'], ['Processors', '1:04:07'], ['Sessions', 'none lately']]);
  expect(took({ ...told, failures: 2, cpu_ms: 9, speed_percent: 325, sessions: 3, sessions_active: 1 })).toEqual([
    ['Made of it', '1.4 GB'], ['Processors', '—'], ['Made at', '3.25 × its speed'], ['Attempts that failed', '2'],
    ['Sessions', '3 lately, 1 may play'],
  ]);
});

it('measures pace over the last seconds, and anew after a rest or a step back', () => {
  const pace = new Pace();
  expect(pace.speed(0)).toBeNull();
  for (let s = 0; s <= 20; s += 1) pace.mark(s * 1000, s < 10 ? s * 10 : 100 + (s - 10) * 1000);
  expect(pace.speed(20_000)).toBeCloseTo(1000);
  expect(pace.left(20_000, 15_100)).toBeCloseTo(5);
  // Who sends nothing any more becomes slower by the second.
  expect(pace.speed(27_000)).toBeLessThan(600);
  pace.mark(28_000, 50);
  expect(pace.speed(28_000)).toBeNull();
  pace.mark(30_000, 250);
  expect(pace.speed(30_000)).toBeCloseTo(100);
  pace.rest();
  expect(pace.left(31_000, 1000)).toBeNull();
  expect([0, 1, 3, 4, 99].map(patience)).toEqual([1000, 2000, 8000, 15_000, 15_000]);
});

it('knows what passes, and says what does not', () => {
  for (const [status, code] of [[0, null], [503, 'stopping'], [423, 'upload_held'], [409, 'offset_conflict'], [502, null]] as const) {
    expect(isPassing(status, code), String(code)).toBe(true);
  }
  for (const [status, code] of [[413, 'quota_exceeded'], [507, 'storage_full'], [401, 'credential_wrong'], [422, 'field_invalid']] as const) {
    expect(isPassing(status, code), code).toBe(false);
  }
  expect(refusal('storage_full', null)).toBe('The disk of the house is full.');
  expect(refusal('field_invalid', 'title: must be short')).toBe('Title: must be short.');
  expect(refusal('new_code', 'so it is')).toBe('So it is.');
  expect(refusal('new_code', null)).toContain('new_code');
});

it('finds credentials in addresses and tags in what was typed', () => {
  expect(['#token=a%2Bb', '#x=1&token=c', '#ticket=k', '#token=%', '#token=', ''].map(tokenIn))
    .toEqual(['a+b', 'c', null, null, null, null]);
  expect(tagsIn(' a, b c,, a ,')).toEqual(['a', 'b c']);
});

it('tells of streams what matters, and no more', () => {
  const video = {
    width: 720, height: 576, pixel_format: 'yuv420p', frames_per_1000_s: 25_000, is_vfr: false, is_interlaced: true,
    rotation: 0, is_cover: false,
  };
  expect(streamFacts({ kind: 'video', codec: 'mpeg2video', is_default: true, video }))
    .toEqual(['mpeg2video', '720×576', '25 pictures/s', 'interlaced', 'SDR', 'yuv420p', 'default']);
  const audio = { channels: 1, layout: 'mono', samples_per_s: 44_100 };
  expect(streamFacts({ kind: 'audio', codec: 'aac', language: 'und', is_default: false, audio }))
    .toEqual(['aac', 'mono', '44.1 kHz', '1 channel']);
  const asset = {
    asset: 'a', title: 'T', description: '', tags: [], visibility: 'private', state: 'ready', priority: 'normal', progress_percent: 100, is_playable: true, bytes: 1000,
    created_at: 0, file_name: 'f.mkv',
    media: {
      container: 'mpegts', duration_ms: 61_000, bits_per_s: 1, chapters: [],
      streams: [{ kind: 'video', codec: 'x', is_default: true, video }],
    },
  } as const;
  expect(summary({ ...asset, tags: [], media: { ...asset.media, chapters: [], streams: [...asset.media.streams] } }, 'today'))
    .toEqual(['1:01', '720×576', '1.0 kB', 'today', 'f.mkv']);
  expect(summary({ ...asset, tags: [], media: undefined, left_s: 130 } as unknown as Asset, 'today'))
    .toEqual(['about 3 min left', '1.0 kB', 'today', 'f.mkv']);
  const recording = { ...asset, kind: 'recording', tags: [], media: undefined, file_name: undefined, duration_ms: 90_000 };
  expect(summary(recording as unknown as Asset, 'today')).toEqual(['1:30', '1.0 kB', 'today', 'recorded']);
});

it('finds what earlier visits left, oldest first, and nothing of others', () => {
  const records: [string, string][] = [
    ['tus::b::1', record('b.mkv', '2026-01-02', 'http://h/v1/tus/b')],
    ['tus::a::1', record('a.mkv', '2026-01-01', 'http://h/v1/tus/a')],
    ['tus::c::1', record('c.mkv', '2026-01-01', 'http://other/v1/tus/c')],
    ['tus::d::1', 'no JSON'],
    ['tus::e::1', 'null'],
    ['else', record('f.mkv', '2026-01-01', 'http://h/v1/tus/f')],
  ];
  const store = {
    length: records.length,
    key: (at: number) => records[at]?.[0] ?? null,
    getItem: (key: string) => records.find(([name]) => name === key)?.[1] ?? null,
  } as Storage;
  expect(kept(store, 'http://h').map(({ name, size: bytes, url }) => [name, bytes, url])).toEqual([
    ['a.mkv', 5, 'http://h/v1/tus/a'], ['b.mkv', 5, 'http://h/v1/tus/b'],
  ]);
});

function record(filename: string, creationTime: string, uploadUrl: string): string {
  return JSON.stringify({ size: 5, metadata: { filename }, creationTime, uploadUrl });
}
