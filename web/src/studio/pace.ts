//! How fast an upload is, and when it will be done. Pure.
//!
//! In: bytes that were sent, and when. Out: bytes per second, seconds left. Does not know a clock.

/** How far back speed is measured, in milliseconds: long enough to be calm, short enough to be true. */
const WINDOW_MS = 6000;
/** Less than this tells nothing yet, in milliseconds. */
const KNOWN_AFTER_MS = 700;

/** The pace of one upload. */
export class Pace {
  private marks: { at: number; bytes: number }[] = [];

  /** So much has been sent by now. What goes backwards begins anew: the house has less than was thought. */
  mark(at: number, bytes: number): void {
    const last = this.marks.at(-1);
    if (last !== undefined && bytes < last.bytes) this.marks = [];
    this.marks.push({ at, bytes });
    // One mark before the window is kept, to measure from.
    while ((this.marks[1]?.at ?? at) < at - WINDOW_MS) this.marks.shift();
  }

  /** Nothing is sent for now; what comes later is not slow because of that. */
  rest(): void {
    this.marks = [];
  }

  /** Bytes per second, or null while that is unknown. */
  speed(now: number): number | null {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < KNOWN_AFTER_MS) return null;
    const since = Math.max(now, last.at) - first.at;
    return ((last.bytes - first.bytes) * 1000) / since;
  }

  /** Seconds until all is there, or null while that is unknown. */
  left(now: number, bytes: number): number | null {
    const speed = this.speed(now);
    const sent = this.marks.at(-1)?.bytes;
    return speed === null || speed <= 0 || sent === undefined ? null : (bytes - sent) / speed;
  }
}

/** How long to wait before the nth try in a row, in milliseconds. */
export function patience(tries: number): number {
  return Math.min(1000 * 2 ** Math.min(tries, 5), 15_000);
}
