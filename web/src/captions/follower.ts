//! Follows one track of captions: its playlist as it grows, and the texts around the moment that is watched.
//!
//! In: the track's address, the time of the picture. Out: texts, each once while it is kept. Does not know cues.
//!
//! hls.js could do it, but takes the whole show down with a text that cannot be had: here that costs the text.

import { nextUrl, readPlaylist, type CaptionPlaylist, type Piece } from './playlist';

/** How far ahead of the picture texts are fetched, in milliseconds. */
const AHEAD_MS = 30_000;
/** How far around the picture texts, and their cues, are kept, in milliseconds. */
export const KEPT_MS = 60_000;
/** Texts on their way at once. */
const LOADS_MAX = 4;
/** How often a text is asked for before it is given up. */
const TRIES_MAX = 3;
/** How long an answer may take, in milliseconds; a playlist may wait for news three target durations more. */
const ANSWER_MS_MAX = 8000;
/** Wait after a failure, in milliseconds; doubled with each until the longest. */
const RETRY_MS = 1000;
const RETRY_MS_MAX = 8000;
/** Shortest time between two playlists that say the same, in milliseconds. */
const UNCHANGED_MS = 500;

export interface Wishes {
  /** UTC of the picture, in milliseconds; null while it is not known. */
  now: () => number | null;
  /** Whether texts of this discontinuity can be placed in time yet. */
  places: (cc: number) => boolean;
  text: (text: string, piece: Piece) => void;
}

export class Follower {
  private list: CaptionPlaylist | null = null;
  /** Pieces that need not be asked for, by address, with their end and start. */
  private readonly taken = new Map<string, Piece>();
  private readonly loading = new Set<string>();
  private readonly tries = new Map<string, number>();
  private readonly stopped = new AbortController();

  constructor(
    readonly url: string,
    private readonly wishes: Wishes,
  ) {
    void this.follow();
  }

  stop(): void {
    this.stopped.abort();
  }

  /** The picture has moved: fetches what it needs now, forgets what is far from it. */
  look(): void {
    const now = this.wishes.now();
    if (now === null || this.stopped.signal.aborted) return;
    for (const [url, { start, end }] of this.taken) {
      if (end < now - KEPT_MS || start > now + KEPT_MS) this.taken.delete(url);
    }
    while (this.loading.size < LOADS_MAX) {
      const piece = this.next(now);
      if (piece === undefined) return;
      this.loading.add(piece.url);
      void this.load(piece);
    }
  }

  /** The first text that is needed and not there. */
  private next(now: number): Piece | undefined {
    const near = ({ start, end }: Piece): boolean => end > now && start < now + AHEAD_MS;
    const known = ({ url }: Piece): boolean => this.taken.has(url) || this.loading.has(url);
    for (const { whole, parts } of this.list?.segments ?? []) {
      if (whole !== null && (!near(whole) || known(whole))) continue;
      // A segment has what its parts have: one request for all of them, unless some are there already.
      const pieces = whole === null || parts.some(known) ? parts : [whole];
      const wanted = pieces.find((piece) => near(piece) && !known(piece) && !piece.gap);
      // Its parts will be listed no more one day; then it is not to be asked for because of that.
      if (whole !== null && pieces === parts && parts.every(({ url, gap }) => gap || this.taken.has(url))) {
        this.taken.set(whole.url, whole);
      }
      if (wanted !== undefined && this.wishes.places(wanted.cc)) return wanted;
    }
    return undefined;
  }

  private async load(piece: Piece): Promise<void> {
    const { url } = piece;
    const answer = await this.get(url, ANSWER_MS_MAX);
    if (this.stopped.signal.aborted) return;
    const tried = (this.tries.get(url) ?? 0) + 1;
    if (typeof answer === 'string') {
      this.wishes.text(answer, piece);
    } else if ((answer >= 500 || answer === 0) && tried < TRIES_MAX) {
      this.tries.set(url, tried);
      await this.sleep(RETRY_MS);
      this.loading.delete(url);
      return this.look();
    }
    this.tries.delete(url);
    this.taken.set(url, piece);
    this.loading.delete(url);
    this.look();
  }

  /** Reloads the playlist until it ends. */
  private async follow(): Promise<void> {
    let failures = 0;
    while (!this.stopped.signal.aborted) {
      const asked = failures === 0 ? this.list : null;
      const url = nextUrl(this.url, asked);
      const answer = await this.get(url, ANSWER_MS_MAX + 3 * (this.list?.targetMs ?? 0));
      const list = typeof answer === 'string' ? readPlaylist(answer, this.url, this.list) : null;
      if (list === null) {
        await this.sleep(Math.min(RETRY_MS * 2 ** failures, RETRY_MS_MAX));
        failures += 1;
        continue;
      }
      failures = 0;
      const news = nextUrl(this.url, list) !== url || asked === null;
      this.list = list;
      this.look();
      if (list.ended) return;
      if (!list.blocks) await this.sleep(list.targetMs / 2);
      else if (!news) await this.sleep(UNCHANGED_MS);
    }
  }

  /** A text, or the status that came instead of one; 0: nobody answered. */
  private async get(url: string, patienceMs: number): Promise<string | number> {
    const patience = new AbortController();
    const stop = () => patience.abort();
    const timer = window.setTimeout(stop, patienceMs);
    this.stopped.signal.addEventListener('abort', stop);
    try {
      const response = await fetch(url, { signal: patience.signal });
      return response.ok ? await response.text() : response.status;
    } catch {
      return 0;
    } finally {
      window.clearTimeout(timer);
      this.stopped.signal.removeEventListener('abort', stop);
    }
  }

  /** Waits about so long, so that an audience does not ask all at once. */
  private sleep(ms: number): Promise<void> {
    return new Promise((done) => window.setTimeout(done, ms * (0.85 + Math.random() * 0.3)));
  }
}
