//! The player: hls.js where the browser has Media Source Extensions, the browser's own HLS else.
//!
//! In: a playlist's address, the viewer's wishes. Out: what became of the picture, and its numbers. Does not know
//! tickets or shows.

import Hls, { type ErrorData, type HlsConfig } from 'hls.js';
import workerUrl from 'hls.js/dist/hls.worker.js?url';

import { isRefusal, problemIn, refusalAt, type Problem } from './api';
import { Captions } from './captions/captions';
import { Chapters } from './chapters';
import type { Mode } from './state';
import { Motion } from './motion';
import { patient } from './patience';
import { mended } from './seam';
import { Sounds } from './sounds';

/** What the player tells. */
export type Report =
  | { type: 'playing' | 'starved' | 'lost' | 'blocked' | 'finished' }
  | ({ type: 'refused' } & Problem);

/** A rung of the ladder, as the menu shows it. */
export interface Rung {
  index: number;
  height: number;
  /** It has a wider range than the standard one. */
  isHdr: boolean;
  bitRate: number;
  frameRate: number;
  codecs: string;
}

/** How far behind its aim a live picture may fall before it jumps, in seconds. */
const BEHIND_S_MAX = 3;
/** The shortest stretch of a live show that is worth going back in, in seconds. */
const SPAN_S_MIN = 30;
/** How often a recording's session is looked at: its long buffer would hide that it was withdrawn. In milliseconds. */
const SESSION_LOOK_MS = 2000;
/** Decoder failures that are mended in place, per attached source. */
const MENDS_MAX = 3;

export class Player {
  readonly motion: Motion;
  readonly captions: Captions;
  readonly sounds: Sounds;
  readonly chapters: Chapters;
  private hls: Hls | null = null;
  private mode: Mode = 'live';
  private url = '';
  private mends = 0;
  /** Where a recording is to go on after trouble, in seconds. */
  private resumeAt = 0;
  private sessionLook = 0;
  /** Whether the viewer went back in a live show, and stays there. */
  private isAway = false;
  /** Whether the browser, not the viewer, switched the sound off. */
  silenced = false;

  constructor(
    readonly video: HTMLVideoElement,
    private readonly still: HTMLCanvasElement,
    private readonly report: (report: Report) => void,
  ) {
    this.motion = new Motion(video, {
      moves: () => {
        this.still.hidden = true;
        this.report({ type: 'playing' });
      },
      stands: () => this.report({ type: 'starved' }),
      tick: () => this.stayNearEdge(),
    });
    this.sounds = new Sounds(video);
    // Whoever shows them looks whenever the video says something.
    this.chapters = new Chapters(() => video.dispatchEvent(new Event('durationchange')));
    this.captions = new Captions(video, (place) => this.dateAt(place));
    video.addEventListener('ended', () => {
      this.resumeAt = 0;
      this.report({ type: 'finished' });
    });
    video.addEventListener('error', () => {
      if (this.hls === null && this.url !== '') void this.nativeFailed();
    });
  }

  /** Plays a source from the live edge, or a recording from its start. */
  attach(url: string, mode: Mode): void {
    if (mode === 'recording' && mode === this.mode && this.url !== '') {
      this.resumeAt = this.video.currentTime;
    }
    this.freeze();
    this.release();
    this.mode = mode;
    this.url = url;
    this.motion.begin();
    if (Hls.isSupported()) this.attachHls(url);
    else this.attachNative(url);
    this.sessionLook = window.setInterval(() => void this.lookAtSession(), SESSION_LOOK_MS);
  }

  /** Stops at once and lets go of the source; nothing of the picture stays. */
  detach(): void {
    this.release();
    this.still.hidden = true;
    this.resumeAt = 0;
    this.url = '';
  }

  /** Begins or goes on, muted if the browser wants it so. */
  async play(): Promise<void> {
    if (this.isLive && !this.isAway) this.goLive();
    try {
      await this.video.play();
    } catch (error) {
      if ((error as DOMException).name !== 'NotAllowedError') return;
      if (this.video.muted) return this.report({ type: 'blocked' });
      this.video.muted = true;
      this.silenced = true;
      await this.play();
    }
  }

  /** Goes to a place, as far as there is one; in a live show that is left behind the edge until the viewer goes back. */
  go(place: number): void {
    const { span } = this;
    if (span === null) return;
    this.isAway = this.isLive && span.end - place > BEHIND_S_MAX;
    this.motion.jump(Math.min(Math.max(place, span.start), span.end));
  }

  /** Goes back to the live picture. */
  async goBack(): Promise<void> {
    this.isAway = false;
    await this.play();
  }

  /** Jumps to the live edge. */
  goLive(): void {
    const edge = this.hls?.liveSyncPosition;
    if (edge !== undefined && edge !== null && edge - this.video.currentTime > 0.5) {
      this.motion.jump(edge);
    }
  }

  get isLive(): boolean {
    return this.mode === 'live';
  }

  /** What one may go to, in seconds of the video: a recording, or what a live show lists; null where it is too little. */
  get span(): { start: number; end: number } | null {
    if (!this.isLive) {
      const { duration } = this.video;
      return Number.isFinite(duration) && duration > 0 ? { start: 0, end: duration } : null;
    }
    const details = this.hls?.latestLevelDetails ?? null;
    const first = details?.fragments[0];
    const end = this.hls?.liveSyncPosition ?? null;
    if (details === null || first === undefined || end === null) return null;
    // The first leaves while one goes there.
    const start = first.start + details.targetduration;
    return end - start < SPAN_S_MIN ? null : { start, end };
  }

  get rungs(): Rung[] {
    return (this.hls?.levels ?? []).map((level, index) => ({
      index,
      height: level.height,
      isHdr: level.videoRange === 'PQ' || level.videoRange === 'HLG',
      bitRate: level.bitrate,
      frameRate: level.frameRate,
      codecs: [level.videoCodec, level.audioCodec].filter(Boolean).join(', '),
    }));
  }

  /** The rung that plays. */
  get rung(): Rung | null {
    return this.rungs[this.hls?.currentLevel ?? -1] ?? null;
  }

  /** The rung the viewer chose; null: the player chooses. */
  get chosen(): number | null {
    return this.hls === null || this.hls.autoLevelEnabled ? null : this.hls.manualLevel;
  }

  choose(rung: number | null): void {
    if (this.hls === null) return;
    // Live, from the next part on: throwing away what little is buffered would make the picture stand.
    if (this.isLive) this.hls.loadLevel = rung ?? -1;
    else this.hls.nextLevel = rung ?? -1;
  }

  /** UTC at which the shown picture was made, as the playlist says. */
  get playingDate(): Date | null {
    if (this.hls !== null) return this.hls.playingDate;
    const video = this.video as HTMLVideoElement & { getStartDate?: () => Date };
    const start = video.getStartDate?.().getTime() ?? NaN;
    return Number.isNaN(start) ? null : new Date(start + video.currentTime * 1000);
  }

  /** UTC of the picture at a place of the video, in milliseconds; null where it cannot be known. */
  dateAt(place: number): number | null {
    const within = this.hls?.latestLevelDetails?.fragments.find(({ start, duration }) => {
      return place >= start && place < start + duration;
    });
    const date = within?.programDateTime ?? null;
    if (within !== undefined && date !== null) return date + (place - within.start) * 1000;
    const now = this.playingDate;
    return now === null ? null : now.getTime() + (place - this.video.currentTime) * 1000;
  }

  /** What the show's objects stand below, once the playlist is there. */
  get base(): string | null {
    const url = this.hls?.latestLevelDetails?.url ?? '';
    return url === '' ? null : new URL('..', url).href;
  }

  /** Seconds from the picture's making to its showing, by this device's clock; null where it cannot be known. */
  get latency(): number | null {
    const date = this.playingDate;
    return date === null || !this.isLive ? null : (Date.now() - date.getTime()) / 1000;
  }

  /** Seconds behind the newest part of the playlist, and how many are aimed at. */
  get behind(): { now: number; aim: number } | null {
    const aim = this.hls?.targetLatency ?? null;
    return this.hls === null || aim === null || !this.isLive ? null : { now: this.hls.latency, aim };
  }

  /** Seconds in the buffer ahead of the picture. */
  get buffer(): number {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) >= currentTime) {
        return buffered.end(i) - currentTime;
      }
    }
    return 0;
  }

  /** The measured way to the edge, in bit/s. */
  get bandwidth(): number | null {
    const estimate = this.hls?.bandwidthEstimate ?? NaN;
    return Number.isFinite(estimate) ? estimate : null;
  }

  private attachHls(url: string): void {
    const hls = new Hls(settings(this.mode, this.resumeAt));
    this.hls = hls;
    this.mends = 0;
    hls.on(Hls.Events.ERROR, (_, data) => this.failed(hls, data));
    hls.on(Hls.Events.MANIFEST_PARSED, () => void this.play());
    this.captions.attach(hls);
    this.sounds.attach(hls);
    this.chapters.attach(hls);
    hls.on(Hls.Events.MANIFEST_LOADED, (_, { startTimeOffset }) => this.beginAt(hls, startTimeOffset));
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  /** Begins a recording where its playlist says (`EXT-X-START`): hls.js is told a place of its own, and looks no further. */
  private beginAt(hls: Hls, offset: number | null): void {
    if (this.isLive || this.resumeAt > 0 || offset === null || offset <= 0) return;
    hls.startLoad(offset);
  }

  private attachNative(url: string): void {
    this.video.src = url;
    if (this.resumeAt > 0) this.video.currentTime = this.resumeAt;
    void this.play();
  }

  private failed(hls: Hls, data: ErrorData): void {
    if (hls !== this.hls) return;
    const problem = isRefusal(data.response?.code ?? 0) ? problemIn(bodyOf(data)) : null;
    if (problem !== null) {
      this.report({ type: 'refused', ...problem });
    } else if (data.fatal) {
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.mends < MENDS_MAX) {
        this.mends += 1;
        hls.recoverMediaError();
      } else {
        this.report({ type: 'lost' });
      }
    }
  }

  private async nativeFailed(): Promise<void> {
    const problem = await refusalAt(this.url);
    this.report(problem === null ? { type: 'lost' } : { type: 'refused', ...problem });
  }

  private async lookAtSession(): Promise<void> {
    if (this.hls !== null && this.isLive) return; // a live player asks several times a second anyway
    const url = this.hls?.latestLevelDetails?.url ?? this.url;
    const problem = await refusalAt(url);
    if (problem !== null && url !== '' && this.url !== '') this.report({ type: 'refused', ...problem });
  }

  private stayNearEdge(): void {
    const behind = this.behind;
    if (behind === null || this.isAway || this.video.paused || behind.now - behind.aim < BEHIND_S_MAX) return;
    const edge = this.hls?.liveSyncPosition ?? null;
    if (edge !== null && edge > this.video.currentTime && this.motion.isMoving) this.goLive();
  }

  /** Keeps the last picture in sight while the source changes. */
  private freeze(): void {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth === 0 || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.still.width = videoWidth;
    this.still.height = videoHeight;
    this.still.getContext('2d')?.drawImage(this.video, 0, 0);
    this.still.hidden = false;
  }

  private release(): void {
    window.clearInterval(this.sessionLook);
    this.motion.end();
    this.captions.detach();
    this.sounds.detach();
    this.chapters.detach();
    this.hls?.destroy();
    this.hls = null;
    this.isAway = false;
    this.video.removeAttribute('src');
    this.video.load();
  }
}

function settings(mode: Mode, resumeAt: number): Partial<HlsConfig> {
  const live = mode === 'live';
  return {
    ...mended,
    // Its type says no more of it than that it loads something.
    pLoader: patient(Hls.DefaultConfig.loader) as NonNullable<HlsConfig['pLoader']>,
    workerPath: workerUrl,
    debug: isToBeLogged(),
    lowLatencyMode: live,
    startPosition: live ? -1 : resumeAt,
    // The aim is the playlist's PART-HOLD-BACK; a picture that fell behind catches up unnoticed.
    maxLiveSyncPlaybackRate: 1.1,
    liveSyncOnStallIncrease: 0.5,
    liveDurationInfinity: true,
    startFragPrefetch: true,
    abrEwmaDefaultEstimate: 5_000_000,
    testBandwidth: false,
    capLevelToPlayerSize: true,
    backBufferLength: 30,
    maxBufferLength: 20,
    enableInterstitialPlayback: false,
    // Tracks of captions are followed by ours; captions within the picture (CEA-608) are left to hls.js.
    enableWebVTT: false,
    enableIMSC1: false,
  };
}

/** Whether the console is to be told what hls.js does: `localStorage.setItem('matinee.log', 'player')`. */
function isToBeLogged(): boolean {
  try {
    return localStorage.getItem('matinee.log') === 'player';
  } catch {
    // A browser that keeps nothing.
    return false;
  }
}

/** The body of a failed request, whatever hls.js asked for it as. */
function bodyOf(data: ErrorData): unknown {
  const request: unknown = data.networkDetails;
  return request instanceof XMLHttpRequest ? (request.response as unknown) : data.response?.data;
}
