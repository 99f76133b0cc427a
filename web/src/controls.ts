//! The controls over the picture, and the keys that do the same.
//!
//! In: presses and keys. Out: wishes to the player. Does not know tickets or shows.

import { el, icon, iconButton, showIcon } from './dom';
import { Menu, type Choice } from './menu';
import type { Player } from './player';
import { Preview } from './preview';
import { bitRate, position, rungName } from './words';

/** How long the controls stay after the last movement, in milliseconds. */
const IDLE_MS = 3000;
/** How far a key moves, in seconds. */
const SEEK_S = 10;
/** How far a key moves the volume. */
const VOLUME_STEP = 0.05;
/** How far behind the live edge one may be and still count as live, in seconds. */
const LIVE_S_MAX = 2.5;

export class Controls {
  readonly element: HTMLElement;
  private readonly play = iconButton('play', 'Play', () => this.togglePlay());
  private readonly mute = iconButton('loud', 'Mute', () => this.toggleMute());
  private readonly full = iconButton('full', 'Full screen', () => this.toggleFull());
  private readonly volume = range('Volume', 100);
  private readonly seek = range('Position', 1000);
  private readonly place = el('span', { class: 'place' });
  private readonly live = el('button', { type: 'button', class: 'go-live' }, el('i'), 'Live');
  private readonly sound = el('button', { type: 'button', class: 'sound', hidden: true });
  private readonly quality: Menu;
  private readonly captions: Menu;
  private readonly sounds: Menu;
  private readonly chapters: Menu;
  private readonly marks = el('div', { class: 'marks', 'aria-hidden': 'true' });
  private marked = '';
  private readonly preview: Preview;
  private idleTimer = 0;
  private onAir = false;

  constructor(
    private readonly player: Player,
    private readonly stage: HTMLElement,
    private readonly toggleStats: () => void,
  ) {
    const { video } = player;
    this.quality = new Menu('quality', 'Quality', () => this.rungs(), (rung) => player.choose(rung));
    this.captions = new Menu('captions', 'Captions', () => this.languages(), (track) => {
      player.captions.choose(track);
    });
    this.sounds = new Menu('voices', 'Audio track', () => this.voices(), (sound) => {
      if (sound !== null) player.sounds.choose(sound);
    });
    this.chapters = new Menu('chapters', 'Chapters', () => this.parts(), (chapter) => {
      const start = player.chapters.all[chapter ?? -1]?.start;
      if (start !== undefined) player.go(start);
    });
    this.sound.append(icon('muted'), 'Tap for sound');
    this.sound.addEventListener('click', () => this.toggleMute());
    this.live.addEventListener('click', () => void player.goBack());
    this.volume.addEventListener('input', () => this.setVolume(this.volume.valueAsNumber / 100));
    this.seek.addEventListener('input', () => {
      const { span } = player;
      if (span !== null) player.go(span.start + (this.seek.valueAsNumber / 1000) * (span.end - span.start));
    });
    this.preview = new Preview(player, this.seek);
    this.element = el(
      'div',
      { class: 'controls', role: 'group', 'aria-label': 'Player controls' },
      this.preview.element,
      el('div', { class: 'bar' }, this.seek, this.marks),
      el(
        'div',
        { class: 'row' },
        this.play,
        this.mute,
        this.volume,
        this.live,
        this.place,
        el('span', { class: 'space' }),
        this.chapters.element,
        this.sounds.element,
        this.captions.element,
        this.quality.element,
        iconButton('stats', 'Statistics', toggleStats),
        this.full,
      ),
    );
    for (const event of ['play', 'pause', 'volumechange', 'timeupdate', 'durationchange']) {
      video.addEventListener(event, () => this.render());
    }
    for (const event of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      stage.addEventListener(event, () => this.stir());
    }
    video.addEventListener('click', () => this.togglePlay());
    video.addEventListener('dblclick', () => this.toggleFull());
    for (const event of ['addtrack', 'removetrack', 'change']) {
      video.textTracks.addEventListener(event, () => this.render());
    }
    document.addEventListener('fullscreenchange', () => this.render());
    document.addEventListener('keydown', (event) => this.key(event));
    stage.append(this.sound);
    this.render();
  }

  /** Shows the controls, and hides them again when nothing stirs. */
  stir(): void {
    this.stage.classList.remove('idle');
    window.clearTimeout(this.idleTimer);
    this.idleTimer = window.setTimeout(() => {
      const busy = this.player.video.paused || this.menus.some((menu) => menu.isOpen);
      this.stage.classList.toggle('idle', !busy);
    }, IDLE_MS);
  }

  /** Shows or hides all of them; `onAir` says whether there is a live picture to go to. */
  show(visible: boolean, onAir: boolean): void {
    this.element.hidden = !visible;
    this.onAir = onAir;
    if (!visible) this.menus.forEach((menu) => menu.close());
    this.render();
  }

  private get menus(): Menu[] {
    return [this.chapters, this.sounds, this.captions, this.quality];
  }

  private render(): void {
    const { video, isLive } = this.player;
    const silent = video.muted || video.volume === 0;
    showIcon(this.play, video.paused ? 'play' : 'pause', video.paused ? 'Play' : 'Pause');
    showIcon(this.mute, silent ? 'muted' : 'loud', silent ? 'Unmute' : 'Mute');
    const full = document.fullscreenElement !== null;
    showIcon(this.full, full ? 'small' : 'full', full ? 'Leave full screen' : 'Full screen');
    fill(this.volume, video.muted ? 0 : video.volume);
    this.volume.setAttribute('aria-valuetext', `${Math.round(video.volume * 100)} %`);
    this.sound.hidden = this.element.hidden || !(this.player.silenced && video.muted);
    this.live.hidden = !isLive || !this.onAir;
    this.seek.hidden = isLive && this.player.span === null;
    this.place.hidden = isLive;
    const { all, shown } = this.player.captions;
    this.captions.offer(all.length > 0, shown !== null);
    this.sounds.offer(this.player.sounds.all.length > 0);
    this.chapters.offer(!isLive && this.player.chapters.all.length > 0);
    this.mark();
    if (isLive) this.renderLive();
    else this.renderPlace();
  }

  private renderLive(): void {
    const behind = this.player.behind;
    const late = this.player.video.paused
      || (behind !== null && behind.now - behind.aim > LIVE_S_MAX);
    this.live.classList.toggle('late', late);
    this.live.setAttribute('aria-label', late ? 'Go to the live picture' : 'Watching live');
    const { span } = this.player;
    if (span === null) return;
    const { currentTime } = this.player.video;
    fill(this.seek, Math.min(1, Math.max(0, (currentTime - span.start) / (span.end - span.start))));
    const text = late ? `${position(span.end - currentTime)} behind live` : 'live';
    this.seek.setAttribute('aria-valuetext', text);
  }

  private renderPlace(): void {
    const { currentTime, duration } = this.player.video;
    const whole = Number.isFinite(duration) && duration > 0 ? duration : 0;
    fill(this.seek, whole > 0 ? currentTime / whole : 0);
    const text = `${position(currentTime)} / ${position(whole)}`;
    if (this.place.textContent !== text) this.place.textContent = text;
    const { chapters } = this.player;
    const on = chapters.all[chapters.at(currentTime)];
    const within = on === undefined ? '' : `, ${on.title}`;
    this.seek.setAttribute('aria-valuetext', `${position(currentTime)} of ${position(whole)}${within}`);
  }

  private rungs(): Choice[] {
    const { rungs, chosen, rung } = this.player;
    const auto = rung === null ? '' : `now ${rungName(rung)}`;
    return [
      { value: null, label: 'Auto', detail: auto, chosen: chosen === null },
      ...[...rungs].reverse().map((one) => ({
        value: one.index,
        label: rungName(one),
        detail: bitRate(one.bitRate),
        chosen: chosen === one.index,
      })),
    ];
  }

  private languages(): Choice[] {
    const { all, shown } = this.player.captions;
    return [
      { value: null, label: 'Off', detail: '', chosen: shown === null },
      ...all.map(({ name, language, within }, index) => ({
        value: index,
        label: name,
        detail: within ? 'CC' : language,
        chosen: shown === index,
      })),
    ];
  }

  private parts(): Choice[] {
    const { chapters, video } = this.player;
    const on = chapters.at(video.currentTime);
    return chapters.all.map(({ title, start }, index) => ({
      value: index,
      label: title,
      detail: position(start),
      chosen: index === on,
    }));
  }

  /** Draws where chapters begin on the seek bar, if that is elsewhere than before. */
  private mark(): void {
    const { span, isLive, chapters } = this.player;
    const whole = span === null || isLive ? 0 : span.end - span.start;
    const shares = whole === 0 ? [] : chapters.all.map(({ start }) => start / whole);
    const within = shares.filter((share) => share > 0 && share < 1);
    const text = within.join(' ');
    if (text === this.marked) return;
    this.marked = text;
    this.marks.replaceChildren(...within.map((share) => {
      const mark = el('i');
      mark.style.left = `${share * 100}%`;
      return mark;
    }));
  }

  private goBy(chapters: 1 | -1): void {
    const to = this.player.isLive ? null : this.player.chapters.from(this.player.video.currentTime, chapters);
    if (to !== null) this.player.go(to);
  }

  private voices(): Choice[] {
    const { all, heard } = this.player.sounds;
    return all.map(({ name, language }, index) => ({
      value: index,
      label: name,
      detail: language,
      chosen: heard === index,
    }));
  }

  private togglePlay(): void {
    const { video } = this.player;
    if (this.element.hidden) return;
    if (video.paused) void this.player.play();
    else video.pause();
  }

  private toggleMute(): void {
    const { video } = this.player;
    this.player.silenced = false;
    video.muted = !video.muted;
    if (!video.muted && video.volume === 0) video.volume = 0.5;
    this.render();
  }

  private setVolume(volume: number): void {
    const { video } = this.player;
    video.volume = Math.min(1, Math.max(0, volume));
    video.muted = video.volume === 0;
    this.player.silenced = false;
  }

  private toggleFull(): void {
    const video = this.player.video as HTMLVideoElement & { webkitEnterFullscreen?: () => void };
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else if (document.fullscreenEnabled) void this.stage.requestFullscreen();
    else video.webkitEnterFullscreen?.();
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (modified || this.element.hidden || target.matches('input[type=text], textarea')) return;
    if (target.matches('button') && [' ', 'Enter'].includes(event.key)) return;
    if (target.matches('input[type=range]') && event.key.startsWith('Arrow')) return;
    const { video } = this.player;
    const seek = (by: number) => this.player.go(video.currentTime + by);
    const keys: Record<string, () => unknown> = {
      ' ': () => this.togglePlay(),
      k: () => this.togglePlay(),
      m: () => this.toggleMute(),
      f: () => this.toggleFull(),
      c: () => this.player.captions.toggle(),
      i: () => this.toggleStats(),
      n: () => this.goBy(1),
      p: () => this.goBy(-1),
      ArrowUp: () => this.setVolume(video.volume + VOLUME_STEP),
      ArrowDown: () => this.setVolume(video.volume - VOLUME_STEP),
      ArrowLeft: () => seek(-SEEK_S),
      ArrowRight: () => seek(SEEK_S),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
    this.stir();
  }
}

function range(label: string, steps: number): HTMLInputElement {
  const name = label.toLowerCase();
  return el('input', {
    type: 'range', class: `range ${name}`, min: '0', max: String(steps), 'aria-label': label,
  });
}

/** Sets a slider and the filled part of its track. */
function fill(slider: HTMLInputElement, share: number): void {
  slider.value = String(share * Number(slider.max));
  slider.style.setProperty('--fill', `${share * 100}%`);
}
