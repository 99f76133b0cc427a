//! A track of captions as it is followed: what is asked for, and how often.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Follower } from '../../src/captions/follower';

const TRACK = 'https://h/p/s/cc-en/index.m3u8';
const BEGUN = Date.parse('2026-11-21T07:00:00Z');
const HEAD = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0,CAN-SKIP-UNTIL=12.0
#EXT-X-MEDIA-SEQUENCE:0
`;
const segment = (msn: number) => `#EXTINF:2.000,\ns${msn}.vtt\n`;
const part = (msn: number, index: number, gap = '') => `#EXT-X-PART:DURATION=1.000,URI="p${msn}.${index}.vtt"${gap}\n`;
const DATE = '#EXT-X-PROGRAM-DATE-TIME:2026-11-21T07:00:00.000Z\n';

/** What is answered, by the last step of the address: playlists in turn, then nothing more. */
let lists: (string | number)[] = [];
let texts: Record<string, string | number> = {};
let asked: string[] = [];
let read: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', globalThis);
  [lists, texts, asked, read] = [[], {}, [], []];
  vi.stubGlobal('fetch', (url: string, { signal }: { signal: AbortSignal }) => {
    const name = url.slice(TRACK.lastIndexOf('/') + 1);
    asked.push(name);
    const answer = name.startsWith('index') ? lists.shift() : (texts[name] ?? `text of ${name}`);
    if (typeof answer === 'string') return Promise.resolve(new Response(answer));
    if (answer !== undefined) return Promise.resolve(new Response('', { status: answer }));
    return new Promise((_, fail) => signal.addEventListener('abort', () => fail(new Error('aborted'))));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function follow(wishes: { now: () => number; places?: (cc: number) => boolean }): Follower {
  return new Follower(TRACK, { places: () => true, text: (text) => read.push(text), ...wishes });
}

const wanted = () => asked.filter((name) => !name.startsWith('index'));

it('each text is read once: a segment where none of its parts was, parts as they come', async () => {
  lists = [
    `${HEAD}${DATE}${segment(0)}${part(1, 0)}${part(1, 1)}${segment(1)}${part(2, 0)}`,
    `${HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n${part(1, 0)}${part(1, 1)}${segment(1)}${part(2, 0)}${part(2, 1)}${segment(2)}`,
    `${HEAD}#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n${part(3, 0)}${part(3, 1, ',GAP=YES')}`,
  ];
  const follower = follow({ now: () => BEGUN + 2500 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(wanted()).toEqual(['s1.vtt', 'p2.0.vtt', 'p2.1.vtt', 'p3.0.vtt']);
  expect(read).toEqual(wanted().map((name) => `text of ${name}`));
  expect(asked.filter((name) => name.startsWith('index'))).toEqual([
    'index.m3u8', 'index.m3u8?_HLS_msn=2&_HLS_part=1&_HLS_skip=v2',
    'index.m3u8?_HLS_msn=3&_HLS_part=0&_HLS_skip=v2', 'index.m3u8?_HLS_msn=3&_HLS_part=2&_HLS_skip=v2',
  ]);
  follower.stop();
});

it('a text that is not there is passed over, one that fails is asked for three times', async () => {
  lists = [503, `${HEAD}${DATE}${[0, 1, 2].map(segment).join('')}#EXT-X-ENDLIST\n`];
  texts = { 's0.vtt': 404, 's1.vtt': 503 };
  follow({ now: () => BEGUN });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(wanted()).toEqual(['s0.vtt', 's1.vtt', 's2.vtt', 's1.vtt', 's1.vtt']);
  expect(read).toEqual(['text of s2.vtt']);
  expect(asked.length, 'an ended playlist is not asked for again').toBe(2 + 5);
});

it('a recording is read where it is watched, again where that was long ago', async () => {
  lists = [`${HEAD}${DATE}${Array.from({ length: 300 }, (_, msn) => segment(msn)).join('')}#EXT-X-ENDLIST\n`];
  let now = BEGUN;
  let known = -1;
  const follower = follow({ now: () => now, places: (cc) => cc <= known });
  await vi.advanceTimersByTimeAsync(100);
  expect(wanted(), 'nothing can be placed yet').toEqual([]);
  known = 0;
  for (const [second, first] of [[0, 's0.vtt'], [400, 's200.vtt'], [0, 's0.vtt']] as const) {
    asked = [];
    now = BEGUN + second * 1000;
    follower.look();
    await vi.advanceTimersByTimeAsync(100);
    expect([wanted()[0], wanted().length], `half a minute from ${second} s on`).toEqual([first, 15]);
  }
});

it('a playlist that says nothing new is not asked for in a hurry, nor one that fails', async () => {
  const list = `${HEAD}${DATE}${segment(0)}`;
  lists = Array.from({ length: 1000 }, () => list);
  const follower = follow({ now: () => BEGUN });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.length).toBeLessThan(40);
  follower.stop();
  [asked, lists] = [[], Array.from({ length: 1000 }, () => 404)];
  const other = follow({ now: () => BEGUN });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked.length).toBeLessThan(8);
  other.stop();
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked.length, 'stopped').toBe(before);
});
