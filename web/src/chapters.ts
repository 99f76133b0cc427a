//! The chapters of what plays: where each begins, and which one is on.
//!
//! In: the address that the multivariant playlist names (session data `com.apple.hls.chapters`). Out: chapters; word
//! when there are others. Does not know how to play, nor menus.

import Hls from 'hls.js';

import { fetchText } from './api';

/** A chapter; times are seconds of the video. */
export interface Chapter {
  title: string;
  start: number;
}

/** The session data that says where chapters are. */
const DATA_ID = 'com.apple.hls.chapters';

export class Chapters {
  /** In order; none while there are none. */
  all: Chapter[] = [];
  private hls: Hls | null = null;

  constructor(private readonly changed: () => void) {}

  attach(hls: Hls): void {
    this.hls = hls;
    hls.on(Hls.Events.MANIFEST_LOADED, (_, { sessionData, url }) => {
      const uri = sessionData?.[DATA_ID]?.['URI'];
      if (uri !== undefined) void this.fetch(hls, new URL(uri, url).href);
    });
  }

  detach(): void {
    this.hls = null;
    this.take([]);
  }

  /** Which one is on at a place, or -1. */
  at(place: number): number {
    return this.all.findLastIndex(({ start }) => start <= place);
  }

  /** Where one gets by so many chapters forwards, or backwards: first to the beginning of the one that is on. */
  from(place: number, by: 1 | -1): number | null {
    const on = this.at(place);
    if (by === 1) return this.all[on + 1]?.start ?? null;
    const start = this.all[on]?.start ?? null;
    // Whoever has just come to its beginning wants to go further.
    if (start !== null && place - start > AGAIN_S) return start;
    return this.all[on - 1]?.start ?? start;
  }

  private async fetch(hls: Hls, url: string): Promise<void> {
    const text = await fetchText(url);
    if (hls === this.hls && text !== null) this.take(read(text));
  }

  private take(all: Chapter[]): void {
    if (all.length === 0 && this.all.length === 0) return;
    this.all = all;
    this.changed();
  }
}

/** How long after its beginning one goes back to that, and not to the chapter before, in seconds. */
const AGAIN_S = 3;

/** Reads JSON chapters as Apple's players have them; what is none of them is left out. */
export function read(text: string): Chapter[] {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(told)) return [];
  const chapters = told.flatMap((entry: unknown, at): Chapter[] => {
    const { 'start-time': start, titles } = (entry ?? {}) as { 'start-time'?: unknown; titles?: unknown };
    if (typeof start !== 'number' || !(start >= 0)) return [];
    const first = (Array.isArray(titles) ? titles[0] : null) as { title?: unknown } | null | undefined;
    const title = typeof first?.title === 'string' ? first.title.trim() : '';
    return [{ start, title: title === '' ? `Chapter ${at + 1}` : title }];
  });
  return chapters.sort((one, other) => one.start - other.start);
}
