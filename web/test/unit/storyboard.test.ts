//! The pictures over the seek bar.

import { expect, it } from 'vitest';
import { Storyboard } from '../../src/storyboard';

const TEXT = `WEBVTT

NOTE start_us=1700000000000000

00:00:00.000 --> 00:00:10.000
board/e1/b0.jpg#xywh=0,0,160,90

00:00:10.000 --> 00:00:20.000
board/e1/b0.jpg#xywh=160,0,160,90

01:00:00.500 --> 01:00:10.500
board/e1/b1.jpg#xywh=0,0,160,90

`;
const START = 1_700_000_000_000;

it('the picture of a moment is the nearest one', () => {
  const board = Storyboard.read(TEXT, 'https://h/p/S/storyboard.vtt');
  expect(board.at(START + 4000)?.x).toBe(0);
  expect(board.at(START + 6000)?.x).toBe(160);
  expect(board.at(START + 3_600_000)?.url).toBe('https://h/p/S/board/e1/b1.jpg');
  expect(board.at(START + 1_000_000)).toBeNull();
  expect(board.isEmpty).toBe(false);
});

it('what is no storyboard has no pictures', () => {
  for (const text of ['', 'WEBVTT\n', TEXT.replace('NOTE', 'NOT')]) {
    const board = Storyboard.read(text, 'https://h/p/S/storyboard.vtt');
    expect(board.isEmpty).toBe(true);
    expect(board.at(START)).toBeNull();
  }
});
