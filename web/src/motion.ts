//! Whether the picture moves: the one thing a viewer cares about, watched where it shows.
//!
//! In: a video element. Out: calls when it begins to move or stands, and the count of stalls. Does not know players.

/** How often it is looked at, in milliseconds. */
const LOOK_MS = 100;
/** How long a picture stands before that is a stall, in milliseconds. */
const STALL_MS = 250;
/** How long it stands before the viewer is told, in milliseconds. */
const STARVED_MS = 2000;
/** How long a new source may take to move, in milliseconds. */
const BEGIN_MS = 8000;

export interface Watcher {
  moves: () => void;
  stands: () => void;
  tick: () => void;
}

export class Motion {
  /** Times the picture stood still although it was to move. */
  stalls = 0;
  /** How long, in milliseconds. */
  stalledMs = 0;
  isMoving = false;
  private timer = 0;
  private lastTime = 0;
  private lastMove = 0;
  private told = false;
  private stalled = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly watcher: Watcher,
  ) {}

  /** A new source was attached. */
  begin(): void {
    this.end();
    this.lastTime = NaN;
    this.lastMove = performance.now();
    this.timer = window.setInterval(() => this.look(), LOOK_MS);
  }

  end(): void {
    window.clearInterval(this.timer);
    this.isMoving = false;
    this.told = false;
    this.stalled = false;
  }

  /** Goes to another place; standing for a moment there is no stall. */
  jump(seconds: number): void {
    this.video.currentTime = seconds;
    this.lastTime = seconds;
    this.lastMove = performance.now() + STALL_MS;
  }

  private look(): void {
    const now = performance.now();
    const { currentTime, paused, ended } = this.video;
    if (paused || ended) {
      this.lastMove = now;
      this.lastTime = currentTime;
      return;
    }
    if (currentTime !== this.lastTime) this.moved(currentTime, now);
    else this.stood(now);
    this.lastTime = currentTime;
    this.watcher.tick();
  }

  private moved(currentTime: number, now: number): void {
    const first = Number.isNaN(this.lastTime) || currentTime < this.lastTime;
    if (this.stalled) this.stalledMs += now - this.lastMove;
    this.lastMove = now;
    this.stalled = false;
    if (first || this.isMoving) return;
    this.isMoving = true;
    this.told = false;
    this.watcher.moves();
  }

  private stood(now: number): void {
    const standing = now - this.lastMove;
    if (this.isMoving && !this.stalled && standing >= STALL_MS) {
      this.stalled = true;
      this.stalls += 1;
    }
    if (!this.told && standing >= (this.isMoving ? STARVED_MS : BEGIN_MS)) {
      this.told = true;
      this.isMoving = false;
      this.watcher.stands();
    }
  }
}
