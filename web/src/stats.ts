//! The numbers behind the picture, shown on demand.
//!
//! In: the player. Out: a list over the picture. Does not know tickets or shows.

import { el, iconButton } from './dom';
import type { Player } from './player';
import { bitRate, rungName } from './words';

/** How often the numbers change, in milliseconds. */
const EVERY_MS = 250;

export class Stats {
  readonly element: HTMLElement;
  private readonly values = new Map<string, HTMLElement>();
  private timer = 0;

  constructor(private readonly player: Player) {
    const list = el('dl');
    for (const name of ['Latency', 'Behind edge', 'Rung', 'Buffer', 'Bandwidth', 'Frames', 'Stalls', 'Speed']) {
      const value = el('dd', {}, '–');
      this.values.set(name, value);
      list.append(el('div', {}, el('dt', {}, name), value));
    }
    const close = iconButton('close', 'Close statistics', () => this.toggle());
    this.element = el(
      'section',
      { class: 'stats', 'aria-label': 'Statistics', hidden: true },
      el('header', {}, el('h2', {}, 'Statistics'), close),
      list,
    );
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  toggle(): void {
    this.element.hidden = this.isOpen;
    window.clearInterval(this.timer);
    if (!this.isOpen) return;
    this.timer = window.setInterval(() => this.render(), EVERY_MS);
    this.render();
  }

  private render(): void {
    const { player } = this;
    const { behind, rung, bandwidth, latency, motion, video } = player;
    const quality = video.getVideoPlaybackQuality();
    const rate = rung === null || rung.frameRate === 0 ? '' : `${rung.frameRate}`;
    this.set('Latency', latency === null ? '–' : `${latency.toFixed(2)} s`);
    this.set('Behind edge', behind === null
      ? '–' : `${behind.now.toFixed(2)} s, aim ${behind.aim.toFixed(2)} s`);
    this.set('Rung', rung === null
      ? '–' : `${rungName(rung, rate)} · ${bitRate(rung.bitRate)}${player.chosen === null ? ' · auto' : ''}`);
    this.set('Buffer', `${player.buffer.toFixed(2)} s`);
    this.set('Bandwidth', bandwidth === null ? '–' : bitRate(bandwidth));
    this.set('Frames', `${quality.totalVideoFrames}, ${quality.droppedVideoFrames} dropped`);
    this.set('Stalls', `${motion.stalls}, ${(motion.stalledMs / 1000).toFixed(1)} s`);
    this.set('Speed', `${video.playbackRate.toFixed(2)} ×`);
  }

  private set(name: string, text: string): void {
    const value = this.values.get(name);
    if (value !== undefined && value.textContent !== text) value.textContent = text;
  }
}
