//! Captions drawn over the picture, above the controls while those are there.
//!
//! In: a text track. Out: its active cues as elements. Does not know where cues come from.
//!
//! Browsers draw cues themselves, but at the very edge of the picture, where the controls are.

import { el } from '../dom';

/** Lines from the top to the bottom, as captions of television have them: a line is told by its number. */
const LINES = 15;
/** How wide a line of vertical text is, in its own letters' height, as the style sheet has it. */
const LINE_EM = 1.45;

export class Overlay {
  readonly element = el('div', { class: 'captions' });
  private track: TextTrack | null = null;
  private readonly draw = () => this.render();

  /** Draws a track, or nothing. */
  show(track: TextTrack | null): void {
    this.track?.removeEventListener('cuechange', this.draw);
    this.track = track;
    track?.addEventListener('cuechange', this.draw);
    this.render();
  }

  private render(): void {
    const cues = [...(this.track?.activeCues ?? [])].filter((cue) => cue instanceof VTTCue);
    this.element.replaceChildren(...cues.map(box));
  }
}

function box(cue: VTTCue): HTMLElement {
  const element = el('p', { class: 'cue', dir: 'auto' }, el('span', {}, cue.getCueAsHTML()));
  Object.assign(element.style, layout(cue));
  return element;
}

/** Where a cue stands (WebVTT, 7.2): those that say nothing of a line are stacked at the bottom, in order of time. */
export function layout(cue: Placed): Partial<CSSStyleDeclaration> {
  const { vertical, align, line } = cue;
  const style: Partial<CSSStyleDeclaration> = { textAlign: align };
  // Not every browser has alignments of positions and lines.
  const side = SIDES[cue.positionAlign ?? 'auto'] ?? SIDES[align];
  const anchor = cue.position === 'auto' ? SIDES[align] : cue.position;
  const free = side === 0 ? 100 - anchor : side === 100 ? anchor : 2 * Math.min(anchor, 100 - anchor);
  const size = Math.min(cue.size, free);
  const start = `${anchor - size * side / 100}%`;
  if (vertical === '') style.width = `${size}%`;
  else [style.height, style.writingMode] = [`${size}%`, `vertical-${vertical}`];
  if (vertical === '' && line === 'auto') return { ...style, marginLeft: start };
  style.position = 'absolute';
  style[vertical === '' ? 'left' : 'top'] = start;
  // Lines are counted from the top; in vertical text, from the side where it begins.
  const [from, to] = ({ '': ['top', 'bottom'], rl: ['right', 'left'], lr: ['left', 'right'] } as const)[vertical];
  const number = line === 'auto' ? -1 : line;
  if (cue.snapToLines) {
    const height = cue.text.split('\n').length;
    // The whole of it is to be within the picture.
    const away = Math.max(0, Math.min(number < 0 ? -number - height : number, LINES - height));
    style[number < 0 ? to : from] = vertical === '' ? `${away * 100 / LINES}%` : `${away * LINE_EM}em`;
  } else if (cue.lineAlign === 'end') style[to] = `${100 - number}%`;
  else style[from] = `${number}%`;
  return style;
}

/** What of a cue decides where it stands. */
type Placed = Pick<VTTCue, 'text' | 'vertical' | 'align' | 'line' | 'position' | 'size' | 'snapToLines'>
  & Partial<Pick<VTTCue, 'positionAlign' | 'lineAlign'>>;

/** How far along its box a cue is anchored, in per cent. */
const SIDES: Record<AlignSetting, number> & Partial<Record<string, number>> = {
  start: 0, left: 0, center: 50, end: 100, right: 100, 'line-left': 0, 'line-right': 100,
};
