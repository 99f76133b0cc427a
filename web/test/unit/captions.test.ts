//! Tracks of captions: their playlists, their texts, where their cues stand.

import { expect, it } from 'vitest';
import { layout } from '../../src/captions/overlay';
import { nextUrl, readPlaylist } from '../../src/captions/playlist';
import { cuesIn, placing } from '../../src/captions/vtt';

const URL_ = 'https://h/p/s/cc-en/index.m3u8';
const DAY = Date.parse('2026-11-21T07:00:00Z');
const HEAD = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.00002,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0
#EXT-X-PART-INF:PART-TARGET=0.33334
`;
const WHOLE = `${HEAD}#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T07:00:00.000Z
#EXTINF:2.000,
e/s7.vtt
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T07:00:10.000Z
#EXT-X-GAP
#EXTINF:2.000,
e/s8.vtt
#EXT-X-PART:DURATION=0.333333,URI="e/p9.0.vtt",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333334,URI="e/p9.1.vtt",INDEPENDENT=YES,GAP=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="e/p9.2.vtt"
`;
const DELTA = `${HEAD}#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-SKIP:SKIPPED-SEGMENTS=2
#EXT-X-PART:DURATION=0.333333,URI="e/p9.0.vtt",INDEPENDENT=YES
#EXTINF:2.000,
e/s9.vtt
`;

it('a playlist is read with its times, discontinuities and gaps', () => {
  const list = readPlaylist(WHOLE, URL_, null);
  expect(list?.segments.map(({ msn }) => msn)).toEqual([7, 8, 9]);
  const [first, second, open] = list?.segments ?? [];
  expect(first?.whole).toEqual({
    url: 'https://h/p/s/cc-en/e/s7.vtt', start: DAY, end: DAY + 2000, cc: 3, gap: false,
  });
  expect(second?.whole).toMatchObject({ start: DAY + 10_000, cc: 4, gap: true });
  expect(open?.whole).toBeNull();
  expect(open?.parts.map(({ gap }) => gap)).toEqual([false, true]);
  expect(open?.parts[1]?.start).toBeCloseTo(DAY + 12_333.333, 2);
  expect(list && nextUrl(URL_, list)).toBe(`${URL_}?_HLS_msn=9&_HLS_part=2&_HLS_skip=v2`);
});

it('what a playlist leaves out is as it was', () => {
  const before = readPlaylist(WHOLE, URL_, null);
  const list = readPlaylist(DELTA, URL_, before);
  expect(list?.segments.map(({ whole }) => whole?.cc)).toEqual([3, 4, 4]);
  expect(list?.segments[2]?.whole).toMatchObject({ start: DAY + 12_000, end: DAY + 14_000 });
  expect(list && nextUrl(URL_, list)).toBe(`${URL_}?_HLS_msn=10&_HLS_part=0&_HLS_skip=v2`);
  expect(readPlaylist(DELTA, URL_, null), 'nothing is known of what is left out').toBeNull();
  expect(readPlaylist('<html>', URL_, null)).toBeNull();
  const ended = readPlaylist(`${DELTA}#EXT-X-ENDLIST`, URL_, before);
  expect(ended && nextUrl(URL_, ended)).toBe(URL_);
});

it('cues are read in the time of the media', () => {
  const text = '\uFEFFWEBVTT\r\nX-TIMESTAMP-MAP=LOCAL:00:00:01.000,MPEGTS:900000\r\n\r\nNOTE no cue\r\n\r\n'
    + 'id\r\n00:02.500 --> 100:00:03.000 line:0 align:start\r\n<i>a</i>\r\nb\r\n\r\n\r\n'
    + '00:00:04.000 --> 00:00:03.000\nnever\n\n00:04.000 --> 00:05.000\n';
  expect(cuesIn(text)).toEqual([
    { start: 11.5, end: 360_012, settings: 'line:0 align:start', text: '<i>a</i>\nb' },
  ]);
  expect(cuesIn('WEBVTT')).toEqual([]);
  expect(cuesIn('WEBVTTx\n\n00:01.000 --> 00:02.000\na')).toEqual([]);
});

it('cues stand where their settings say, and settings that are wrong say nothing', () => {
  expect(placing('line:-2 position:10%,line-left size:35.5% align:end')).toEqual({
    line: -2, position: 10, positionAlign: 'line-left', size: 35.5, align: 'end',
  });
  expect(placing('vertical:rl line:20%,end')).toEqual({
    vertical: 'rl', line: 20, snapToLines: false, lineAlign: 'end',
  });
  expect(placing('line:x size:101% position:-1% align:up vertical:lr,rl region:r : a')).toEqual({});
});

it('where a cue stands becomes a style', () => {
  const cue = {
    text: 'a', vertical: '', align: 'center', line: 'auto', position: 'auto', size: 100, snapToLines: true,
  } as const;
  expect(layout(cue)).toEqual({ textAlign: 'center', width: '100%', marginLeft: '0%' });
  expect(layout({ ...cue, position: 30, size: 80 })).toMatchObject({ width: '60%', marginLeft: '0%' });
  expect(layout({ ...cue, align: 'end', position: 90 })).toMatchObject({ width: '90%', marginLeft: '0%' });
  expect(layout({ ...cue, line: 0 })).toMatchObject({ position: 'absolute', left: '0%', top: '0%' });
  expect(layout({ ...cue, line: 3 })).toMatchObject({ top: '20%' });
  expect(layout({ ...cue, line: 99, text: 'a\nb\nc' }), 'within the picture').toMatchObject({ top: '80%' });
  expect(layout({ ...cue, line: -4 })).toMatchObject({ bottom: '20%' });
  expect(layout({ ...cue, line: -1, text: 'a\nb' })).toMatchObject({ bottom: '0%' });
  expect(layout({ ...cue, line: 40, snapToLines: false, lineAlign: 'end' })).toMatchObject({ bottom: '60%' });
  expect(layout({ ...cue, vertical: 'rl', align: 'start', size: 50 })).toEqual({
    textAlign: 'start', height: '50%', writingMode: 'vertical-rl', position: 'absolute', top: '0%', left: '0em',
  });
});
