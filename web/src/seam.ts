//! hls.js with the seams between parts and segments mended.
//!
//! In: hls.js's own stream controllers. Out: the same, choosing the next segment a little after the buffer's end, and
//! leaving out no part.
//!
//! A part's stated duration and the buffer's end are both rounded to microseconds, so the buffer may end a hair before
//! the segment does. hls.js 1.7.4 then goes on asking for that segment; if it joined the segment at a later part, as it
//! does on joining a show and on changing the rung, it finds parts before that never were loaded, takes the segment for
//! unfinished, loads nothing, and the picture stands until the buffer is dry. Looking a few milliseconds further, less
//! than a frame, finds the next segment. tests/browser changes rungs six times and prints how often the picture stood.
//!
//! A segment's last part may be short. If the playlist with it comes while the part before is loaded, hls.js takes the
//! segment for whole, since it lacks less than is tolerated; but by the playlist a part of it is missing, so it chooses
//! it again and again, and never loads it: or, by the same rounding, takes that for a loop. It is made to forget that
//! segment, and loads the part.

import Hls, { type Level, type LevelDetails, type MediaFragment } from 'hls.js';

/** How far beyond the buffer's end to look for the next segment, in seconds. */
const SEAM_S = 0.005;

const { streamController: Stream, audioStreamController: AudioStream } = Hls.DefaultConfig;

/** What is looked at of a part. */
export interface PartSeen { fragment: { sn: number | string }; end: number; loaded: boolean; gap: boolean }

/** Whether a part of this segment that ends after a position was not loaded. */
export function lacksPart(parts: readonly PartSeen[], sn: number | string, position: number): boolean {
  return parts.some((part) => part.fragment.sn === sn && part.end > position + SEAM_S && !part.loaded && !part.gap);
}

/** Whether hls.js takes a segment for whole that is not. */
function isTakenForWhole(state: string, fragment: MediaFragment, level: Level, position: number): boolean {
  return state === 'OK' && lacksPart(level.details?.partList ?? [], fragment.sn, position);
}

class MendedStream extends Stream {
  protected override getNextFragment(position: number, details: LevelDetails): MediaFragment | null {
    return super.getNextFragment(position + SEAM_S, details);
  }

  protected override isLoopLoading(fragment: MediaFragment, position: number): boolean {
    return super.isLoopLoading(fragment, position + SEAM_S);
  }

  protected override loadFragment(fragment: MediaFragment, level: Level, position: number): void {
    const tracker = this.fragmentTracker;
    if (isTakenForWhole(tracker.getState(fragment), fragment, level, position)) tracker.removeFragment(fragment);
    super.loadFragment(fragment, level, position);
  }
}

/** The controllers to configure a player with. */
export const mended = {
  streamController: MendedStream,
  ...(AudioStream && {
    audioStreamController: class MendedAudioStream extends AudioStream {
      protected override getNextFragment(position: number, details: LevelDetails): MediaFragment | null {
        return super.getNextFragment(position + SEAM_S, details);
      }

      protected override isLoopLoading(fragment: MediaFragment, position: number): boolean {
        return super.isLoopLoading(fragment, position + SEAM_S);
      }

      protected override loadFragment(fragment: MediaFragment, level: Level, position: number): void {
        const tracker = this.fragmentTracker;
        if (isTakenForWhole(tracker.getState(fragment), fragment, level, position)) tracker.removeFragment(fragment);
        super.loadFragment(fragment, level, position);
      }
    },
  }),
};
