//! The captions of what plays: which tracks there are, which is shown, and the viewer's choice, here and the next time.
//!
//! In: a video element, hls.js where it plays. Out: text tracks of the video, with cues; an element that shows them. Does
//! not know menus.
//!
//! Where the browser plays HLS by itself it finds, fills and shows tracks by itself as well: they are only switched here.

import Hls, { type MediaPlaylist } from 'hls.js';

import { keep, kept } from '../drawer';
import { Follower, KEPT_MS } from './follower';
import { Overlay } from './overlay';
import { cuesIn, placing } from './vtt';

/** A track, as a menu shows it. */
export interface Caption {
  name: string;
  language: string;
  /** They come with the picture (CEA-608), not as a track of texts. */
  within: boolean;
}

interface Track extends Caption {
  text: TextTrack;
  /** Where its playlist is; null: somebody else fills it. */
  url: string | null;
}

/** What the viewer chose: a track, by what other shows have too; or none. */
type Choice = Pick<Caption, 'language' | 'within'> | 'off';

/** Where the choice is kept. */
const DRAWER = 'matinee.captions';

/** How hls.js maps a media time to its own: seconds of it are ticks of `timescale`. */
type Offset = { baseTime: number; timescale: number } | undefined;

export class Captions {
  private readonly overlay = new Overlay();
  private hls: Hls | null = null;
  private tracks: Track[] = [];
  private selected: Track | null = null;
  /** Text tracks that this page added to the video: they cannot be taken away, so they are used again. */
  private readonly added = new Map<string, TextTrack>();
  private follower: Follower | null = null;
  private following: Track | null = null;
  private readonly cues = new Map<string, VTTCue>();
  private offsets: Offset[] = [];
  private choice: Choice | null = before();
  /** What was shown before it was switched off. */
  private last: TextTrack | null = null;

  /** `dateAt` gives UTC of a place of the video, in milliseconds. */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly dateAt: (place: number) => number | null,
  ) {
    video.textTracks.addEventListener('addtrack', ({ track }) => track !== null && this.appeared(track));
    for (const event of ['timeupdate', 'seeking']) video.addEventListener(event, () => this.look());
  }

  /** What is drawn over the picture. */
  get element(): HTMLElement {
    return this.overlay.element;
  }

  attach(hls: Hls): void {
    this.hls = hls;
    this.offsets = [];
    hls.on(Hls.Events.MANIFEST_PARSED, (_, { subtitleTracks }) => this.found(subtitleTracks));
    hls.on(Hls.Events.INIT_PTS_FOUND, (_, { id, timestampOffsets }) => {
      if (id === 'main') this.offsets = timestampOffsets;
      this.look();
    });
  }

  detach(): void {
    this.show(null);
    this.hls = null;
    this.tracks = [];
  }

  /** All tracks: those of the playlist, then those that others found within the picture. */
  get all(): Caption[] {
    return this.every();
  }

  /** Which is shown; null: none. */
  get shown(): number | null {
    const isShown = ({ text }: Track) => this.hls === null ? text.mode === 'showing' : text === this.selected?.text;
    const shown = this.every().findIndex(isShown);
    return shown < 0 ? null : shown;
  }

  /** Shows a track, or none, here and the next time. */
  choose(index: number | null): void {
    const track = index === null ? undefined : this.every()[index];
    this.choice = track === undefined ? 'off' : { language: track.language, within: track.within };
    keep(DRAWER, this.choice);
    this.show(track ?? null);
  }

  /** Switches captions off, or on: those that were on before, else those in the viewer's language, else the first. */
  toggle(): void {
    const every = this.every();
    if (this.shown !== null) {
      this.last = every[this.shown]?.text ?? null;
      return this.choose(null);
    }
    const last = every.findIndex(({ text }) => text === this.last);
    const mine = every.findIndex(({ language }) => navigator.languages.some((own) => isWithin(own, language)));
    if (every.length > 0) this.choose([last, mine, 0].find((at) => at >= 0) ?? null);
  }

  private every(): Track[] {
    const ours = new Set(this.added.values());
    const theirs = [...this.video.textTracks].filter(({ kind }) => kind === 'captions' || kind === 'subtitles');
    return [...this.tracks, ...theirs.filter((text) => !ours.has(text)).map(foreign)];
  }

  private found(playlists: MediaPlaylist[]): void {
    const byName = new Map(playlists.map((playlist) => [`${playlist.lang} ${playlist.name}`, playlist]));
    this.tracks = [...byName].map(([key, { name, lang = '', url }]) => {
      const text = this.added.get(key) ?? this.video.addTextTrack('subtitles', name, lang);
      this.added.set(key, text);
      text.mode = 'disabled';
      return { name, language: lang, within: false, text, url };
    });
    const main = [...byName.values()].findIndex((playlist) => playlist.default);
    const wanted = this.tracks.find((track) => this.isChosen(track)) ?? this.tracks[main];
    this.show(this.choice === 'off' ? null : (wanted ?? null));
  }

  /** Somebody else added a track: hls.js for captions within the picture, or a browser that plays HLS by itself. */
  private appeared(text: TextTrack): void {
    const track = this.every().find((other) => other.text === text);
    if (track === undefined || track.url !== null || this.choice === null) return;
    if (this.isChosen(track)) this.show(track);
    else if (this.choice === 'off') text.mode = 'disabled';
  }

  private isChosen({ language, within }: Caption): boolean {
    const { choice } = this;
    return choice !== null && choice !== 'off' && choice.language === language && choice.within === within;
  }

  private show(track: Track | null): void {
    for (const { text } of this.every()) {
      const on = this.hls === null ? 'showing' : 'hidden';
      const mode = text === track?.text ? on : 'disabled';
      if (text.mode !== mode) text.mode = mode;
    }
    this.selected = track;
    this.overlay.show(this.hls === null ? null : (track?.text ?? null));
    this.follow();
  }

  /** Fetches what the track that is shown has, and nothing else. */
  private follow(): void {
    const track = this.selected;
    if (track === this.following) return;
    this.follower?.stop();
    this.empty();
    this.following = track;
    this.follower = track === null || track.url === null ? null : new Follower(track.url, {
      now: () => this.dateAt(this.video.currentTime),
      places: (cc) => this.offsets[cc] !== undefined,
      text: (text, { cc }) => this.take(track, text, cc),
    });
  }

  private take({ text: track }: Track, text: string, cc: number): void {
    const offset = this.offsets[cc];
    if (offset === undefined) return;
    const zero = offset.baseTime / offset.timescale;
    for (const cue of cuesIn(text)) {
      const [start, end] = [Math.max(0, cue.start - zero), cue.end - zero];
      const key = `${start.toFixed(3)} ${end.toFixed(3)} ${cue.settings}\n${cue.text}`;
      if (end <= 0 || this.cues.has(key)) continue;
      const shown = Object.assign(new VTTCue(start, end, cue.text), placing(cue.settings));
      this.cues.set(key, shown);
      track.addCue(shown);
    }
  }

  /** The picture has moved. */
  private look(): void {
    const track = this.following?.text;
    if (track === undefined) return;
    const { currentTime } = this.video;
    for (const [key, cue] of this.cues) {
      const far = Math.max(cue.startTime - currentTime, currentTime - cue.endTime);
      if (far * 1000 <= KEPT_MS) continue;
      this.cues.delete(key);
      track.removeCue(cue);
    }
    this.follower?.look();
  }

  /** Takes all cues from the track that was followed. */
  private empty(): void {
    const track = this.following?.text;
    if (track === undefined) return;
    const { mode } = track;
    track.mode = 'hidden'; // a disabled track has no cues to take
    for (const cue of this.cues.values()) track.removeCue(cue);
    this.cues.clear();
    track.mode = mode;
  }
}

/** Whether a language is another one or a kind of it: `en-GB` is within `en`. */
function isWithin(language: string, other: string): boolean {
  return `${language.toLowerCase()}-`.startsWith(`${other.toLowerCase()}-`);
}

/** A track that somebody else fills. */
function foreign(text: TextTrack): Track {
  const name = text.label === '' ? 'Captions' : text.label;
  return { name, language: text.language, within: text.kind === 'captions', text, url: null };
}

/** The choice of before. */
function before(): Choice | null {
  const choice = kept(DRAWER);
  if (choice === 'off') return choice;
  const { language, within } = (choice ?? {}) as { language?: unknown; within?: unknown };
  return typeof language === 'string' && typeof within === 'boolean' ? { language, within } : null;
}
