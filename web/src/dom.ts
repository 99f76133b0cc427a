//! Making elements and icons.
//!
//! In: a name, attributes, children. Out: elements. Does not know the page.

type Child = Node | string | null;

/** An element with attributes and children; `true` sets a bare attribute, `false` leaves it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Icons on a sheet of 24 by 24, drawn in strokes. A leading `!` fills the path. */
const ICONS = {
  play: ['!M8 5.2v13.6a.6.6 0 0 0 .92.5l10.6-6.8a.6.6 0 0 0 0-1L8.92 4.7a.6.6 0 0 0-.92.5z'],
  pause: ['!M7 5h3.4v14H7zM13.6 5H17v14h-3.4z'],
  loud: ['!M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11'],
  muted: ['!M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z', 'M16 9.5l5 5M21 9.5l-5 5'],
  full: ['M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5'],
  small: ['M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5'],
  quality: ['M4 7h9M17 7h3M4 17h3M11 17h9', 'M15 5v4M9 15v4'],
  captions: ['M3.5 5.5h17v13h-17z', 'M10.5 10.6a2.2 2.2 0 1 0 0 2.8M17 10.6a2.2 2.2 0 1 0 0 2.8'],
  voices: ['M4 5.5h16v10h-8.5l-4.5 3.6v-3.6H4z', 'M8 9.2h8M8 12h5'],
  chapters: ['M4 6h2M4 12h2M4 18h2M10 6h10M10 12h10M10 18h7'],
  stats: ['M5 19v-6M10 19V5M15 19v-9M20 19v-4'],
  ticket: ['M3.5 8.5v-2h17v2.8a2.8 2.8 0 0 0 0 5.4v2.8h-17v-2.8a2.8 2.8 0 0 0 0-5.4z', 'M14 7v2M14 11v2M14 15v2'],
  clock: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M12 7.5V12l3 2'],
  stop: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M6.2 6.2l11.6 11.6'],
  pauseAir: ['M8.5 15.5a5 5 0 0 1 0-7M15.5 8.5a5 5 0 0 1 0 7M5.5 18.5a9 9 0 0 1 0-13M18.5 5.5a9 9 0 0 1 0 13', '!M12 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z'],
  trouble: ['M3.5 10a12 12 0 0 1 17 0M6.8 13.4a7.4 7.4 0 0 1 10.4 0M10 16.7a2.8 2.8 0 0 1 4 0', 'M4 4l16 16'],
  devices: ['M3.5 5.5h13v9h-13zM7 18.5h6M10 14.5v4', '!M17.5 9.5h3.4v9h-3.4z'],
  globe: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z', 'M3.8 9.5h16.4M3.8 14.5h16.4M12 3.5c-5 5-5 12 0 17M12 3.5c5 5 5 12 0 17'],
  film: ['M4 5.5h16v13H4zM8 5.5v13M16 5.5v13M4 12h4M16 12h4'],
  search: ['M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20.5 20.5'],
  close: ['M6.5 6.5l11 11M17.5 6.5l-11 11'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  logo: ['!M5 15.5a7 7 0 0 1 14 0z', 'M2.8 19.2h18.4M12 3v2.4M4.2 7.4l1.7 1.7M19.8 7.4l-1.7 1.7'],
} as const;

export type Icon = keyof typeof ICONS;

/** An icon; it says nothing to a screen reader. */
export function icon(name: Icon): SVGSVGElement {
  return drawing(ICONS[name]);
}

/** Paths on a sheet of 24 by 24; they say nothing to a screen reader. */
export function drawing(shapes: readonly string[]): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  for (const shape of shapes) {
    const path = document.createElementNS(space, 'path');
    const filled = shape.startsWith('!');
    path.setAttribute('d', filled ? shape.slice(1) : shape);
    path.classList.add(filled ? 'filled' : 'stroked');
    svg.append(path);
  }
  return svg;
}

/** A button with an icon, named for those who do not see it. */
export function iconButton(name: Icon, label: string, press: () => void): HTMLButtonElement {
  const button = el('button', { type: 'button', class: 'control' }, icon(name));
  nameButton(button, label);
  button.addEventListener('click', press);
  return button;
}

/** Changes a button's icon and name, if they are others. */
export function showIcon(button: HTMLButtonElement, name: Icon, label: string): void {
  if (button.dataset['icon'] === name && button.getAttribute('aria-label') === label) return;
  button.dataset['icon'] = name;
  button.querySelector('svg')?.replaceWith(icon(name));
  nameButton(button, label);
}

function nameButton(button: HTMLButtonElement, label: string): void {
  button.setAttribute('aria-label', label);
  button.title = label;
}
