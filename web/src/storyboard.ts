//! The pictures over the seek bar: which strip has the picture of a moment.
//!
//! In: the storyboard's WebVTT. Out: a picture's place. Does not know the player.

/** A picture's place in a strip, in pixels. */
export interface Tile {
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Cue extends Tile {
  /** When it was, in milliseconds since the Unix epoch. */
  at: number;
}

/** How far from a moment its picture may be, in milliseconds. */
const APART_MS_MAX = 30_000;

export class Storyboard {
  private constructor(private readonly cues: Cue[]) {}

  /** Reads a text; strips are relative to `base`. */
  static read(text: string, base: string): Storyboard {
    const start = Number(/^NOTE start_us=(\d+)$/m.exec(text)?.[1] ?? NaN) / 1000;
    const cues: Cue[] = [];
    const form = /^([\d:.]+) --> [\d:.]+\n([^#\n]+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;
    for (const [, from = '', uri = '', x, y, width, height] of text.matchAll(form)) {
      const at = start + milliseconds(from);
      if (Number.isNaN(at)) continue;
      const [left, top, wide, high] = [x, y, width, height].map(Number) as [number, number, number, number];
      cues.push({ at, url: new URL(uri, base).href, x: left, y: top, width: wide, height: high });
    }
    return new Storyboard(cues);
  }

  get isEmpty(): boolean {
    return this.cues.length === 0;
  }

  /** The picture of a moment, in milliseconds since the Unix epoch; null where there is none close to it. */
  at(moment: number): Tile | null {
    let [low, high] = [0, this.cues.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.cues[middle]?.at ?? Infinity) <= moment) low = middle + 1;
      else high = middle;
    }
    const near = [this.cues[low - 1], this.cues[low]].filter((cue) => cue !== undefined);
    const apart = (cue: Cue) => Math.abs(cue.at - moment);
    const best = near.sort((one, other) => apart(one) - apart(other))[0];
    return best !== undefined && apart(best) <= APART_MS_MAX ? best : null;
  }
}

function milliseconds(clock: string): number {
  const [hours = NaN, minutes = NaN, seconds = NaN] = clock.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
