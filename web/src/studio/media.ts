//! What is in a file, as elements.
//!
//! In: an asset's media. Out: elements. Does not know where it comes from.

import { el } from '../dom';
import type { Media } from './house';
import { clock, fileFacts, streamFacts, streamName } from './words';

export function mediaView(media: Media, title: string): HTMLElement {
  const facts = fileFacts(media).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  const streams = media.streams.map((stream) => el('li', {}, el('b', {}, streamName(stream)),
    el('span', { class: 'chips' }, ...streamFacts(stream).map((fact) => el('span', {}, fact)))));
  const chapters = media.chapters.map(({ start_ms, title }) => el('li', {}, el('time', {}, clock(start_ms)),
    el('span', {}, title || 'Untitled')));
  return el('section', { class: 'media', 'aria-label': `In ${title}` },
    el('dl', {}, ...facts),
    el('h3', {}, 'Streams'),
    el('ul', { class: 'streams' }, ...streams),
    ...(chapters.length === 0 ? [] : [el('h3', {}, 'Chapters'), el('ol', { class: 'chapters' }, ...chapters)]));
}
