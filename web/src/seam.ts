//! hls.js with the seam between two segments mended.
//!
//! In: hls.js's own stream controllers. Out: the same, choosing the next segment a little after the buffer's end.
//!
//! A part's stated duration and the buffer's end are both rounded to microseconds, so the buffer may end a hair before
//! the segment does. hls.js 1.7.4 then goes on asking for that segment; if it joined the segment at a later part, as it
//! does on joining a show and on changing the rung, it finds parts before that never were loaded, takes the segment for
//! unfinished, loads nothing, and the picture stands until the buffer is dry. Looking a few milliseconds further, less
//! than a frame, finds the next segment. tests/browser changes rungs six times and
//! prints how often the picture stood.

import Hls, { type LevelDetails, type MediaFragment } from 'hls.js';

/** How far beyond the buffer's end to look for the next segment, in seconds. */
const SEAM_S = 0.005;

const { streamController: Stream, audioStreamController: AudioStream } = Hls.DefaultConfig;

class MendedStream extends Stream {
  protected override getNextFragment(position: number, details: LevelDetails): MediaFragment | null {
    return super.getNextFragment(position + SEAM_S, details);
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
    },
  }),
};
