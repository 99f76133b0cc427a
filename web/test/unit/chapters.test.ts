//! Chapters, as the playlist's session data has them.

import { expect, it } from 'vitest';
import { Chapters, read } from '../../src/chapters';

const TOLD = [
  { chapter: 2, 'start-time': 60, duration: 60.5, titles: [{ language: 'und', title: 'The rehearsal' }] },
  { chapter: 1, 'start-time': 0, duration: 60, titles: [{ language: 'en', title: 'Intro' }, { title: 'Beginn' }] },
  { 'start-time': 120.5, titles: [] },
  { 'start-time': 'soon' },
  { 'start-time': -1 },
  null,
  7,
];

it('reads what Apple’s players read, and leaves out the rest', () => {
  expect(read(JSON.stringify(TOLD))).toEqual([
    { start: 0, title: 'Intro' },
    { start: 60, title: 'The rehearsal' },
    { start: 120.5, title: 'Chapter 3' },
  ]);
  for (const other of ['', '{', '{}', 'null', '[]']) expect(read(other)).toEqual([]);
});

it('knows which is on, and where the next and the one before begin', () => {
  const chapters = new Chapters(() => undefined);
  expect([chapters.at(5), chapters.from(5, 1), chapters.from(5, -1)]).toEqual([-1, null, null]);
  chapters.all = read(JSON.stringify(TOLD));
  expect([0, 59.9, 60, 500].map((place) => chapters.at(place))).toEqual([0, 0, 1, 2]);
  expect([chapters.from(5, 1), chapters.from(60, 1), chapters.from(130, 1)]).toEqual([60, 120.5, null]);
  // First to the beginning of the one that is on; from there to the one before.
  expect([chapters.from(70, -1), chapters.from(61, -1), chapters.from(1, -1)]).toEqual([60, 0, 0]);
});
