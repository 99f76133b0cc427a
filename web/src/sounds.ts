//! The sounds of what plays: which there are, which is heard, and the viewer's choice, here and the next time.
//!
//! In: hls.js where it plays, or the browser's own tracks. Out: names of sounds. Does not know menus.

import Hls from 'hls.js';

import { keep, kept } from './drawer';

/** A sound, as a menu shows it. */
export interface Sound {
  name: string;
  language: string;
}

/** Where the choice is kept. */
const DRAWER = 'matinee.sound';

/** The tracks of a browser that plays HLS by itself (HTML, 4.8.11.10.1). */
type OwnTracks = ArrayLike<{ label: string; language: string; enabled: boolean }>;

export class Sounds {
  private hls: Hls | null = null;
  private choice = before();

  constructor(private readonly video: HTMLVideoElement) {}

  attach(hls: Hls): void {
    this.hls = hls;
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => this.prefer());
  }

  detach(): void {
    this.hls = null;
  }

  /** All sounds; none where there is no choice. */
  get all(): Sound[] {
    const all = this.hls?.audioTracks.map(({ name, lang = '' }) => ({ name, language: lang }))
      ?? Array.from(this.own, ({ label, language }) => ({ name: label, language }));
    return all.length > 1 ? all : [];
  }

  /** Which is heard. */
  get heard(): number {
    return this.hls?.audioTrack ?? Array.from(this.own).findIndex(({ enabled }) => enabled);
  }

  /** Lets a sound be heard, here and the next time. */
  choose(index: number): void {
    const sound = this.all[index];
    if (sound === undefined) return;
    this.choice = sound;
    keep(DRAWER, sound);
    this.hear(index);
  }

  /** What was chosen before, by its name in that language, else by its language. */
  private prefer(): void {
    const { choice, all } = this;
    if (choice === null) return;
    const same = all.findIndex(({ name, language }) => name === choice.name && language === choice.language);
    const alike = all.findIndex(({ language }) => language !== '' && language === choice.language);
    const wanted = same >= 0 ? same : alike;
    if (wanted >= 0 && wanted !== this.heard) this.hear(wanted);
  }

  private hear(index: number): void {
    if (this.hls !== null) this.hls.audioTrack = index;
    else Array.from(this.own).forEach((track, at) => (track.enabled = at === index));
  }

  private get own(): OwnTracks {
    return (this.video as { audioTracks?: OwnTracks }).audioTracks ?? [];
  }
}

/** The choice of before. */
function before(): Sound | null {
  const { name, language } = (kept(DRAWER) ?? {}) as { name?: unknown; language?: unknown };
  return typeof name === 'string' && typeof language === 'string' ? { name, language } : null;
}
