//! The picture of the moment that the pointer is at, over the seek bar.
//!
//! In: the pointer, the show's storyboard. Out: a small picture and its place in time. Does not know how to play.

import { fetchText } from './api';
import { el } from './dom';
import type { Player } from './player';
import { Storyboard } from './storyboard';
import { position } from './words';

/** How old a storyboard may be before it is fetched again, in milliseconds. */
const FRESH_MS = 60_000;

export class Preview {
  readonly element = el('div', { class: 'preview', hidden: true, 'aria-hidden': 'true' });
  private readonly picture = el('div', { class: 'picture' });
  private readonly place = el('span');
  private board: Storyboard | null = null;
  private base = '';
  private fetchedAt = -Infinity;

  constructor(
    private readonly player: Player,
    private readonly seek: HTMLInputElement,
  ) {
    this.element.append(this.picture, this.place);
    seek.addEventListener('pointermove', (event) => this.show(event));
    for (const event of ['pointerleave', 'pointercancel', 'blur']) {
      seek.addEventListener(event, () => (this.element.hidden = true));
    }
  }

  private show(event: PointerEvent): void {
    void this.refresh();
    const { left, width } = this.seek.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    const { span, isLive } = this.player;
    const place = span === null ? 0 : span.start + share * (span.end - span.start);
    const date = span === null ? null : this.player.dateAt(place);
    const tile = date === null ? null : (this.board?.at(date) ?? null);
    this.element.hidden = tile === null;
    if (span === null || tile === null) return;
    this.place.textContent = isLive ? `−${position(span.end - place)}` : position(place);
    const { style } = this.picture;
    style.width = `${tile.width}px`;
    style.height = `${tile.height}px`;
    style.backgroundImage = `url("${tile.url}")`;
    style.backgroundPosition = `-${tile.x}px -${tile.y}px`;
    const half = tile.width / 2;
    const middle = Math.min(Math.max(share * width, half), Math.max(width - half, half));
    this.element.style.left = `${middle}px`;
  }

  /** Fetches the storyboard, if it is another show's or grew old. */
  private async refresh(): Promise<void> {
    const base = this.player.base;
    if (base === null || (base === this.base && performance.now() - this.fetchedAt < FRESH_MS)) return;
    this.base = base;
    this.fetchedAt = performance.now();
    const url = new URL('storyboard.vtt', base).href;
    const text = await fetchText(url);
    if (base === this.base) this.board = text === null ? null : Storyboard.read(text, url);
  }
}
