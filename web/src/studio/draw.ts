//! The studio's own icons and small pieces that its parts share.
//!
//! In: a name. Out: elements. Does not know what they stand for.

import { drawing, el } from '../dom';

/** Icons on a sheet of 24 by 24; a leading `!` fills the path. */
const ICONS = {
  upload: ['M12 15.5V4.5M7.5 8.5L12 4l4.5 4.5', 'M4 15v4.5h16V15'],
  link: ['M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L12 6.3', 'M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7L12 17.7'],
  key: ['M8 11.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z', 'M10.6 12.6L19 4.2M15.5 7.7l3 3'],
  pause: ['!M7 5h3.4v14H7zM13.6 5H17v14h-3.4z'],
  play: ['!M8 5.2v13.6a.6.6 0 0 0 .92.5l10.6-6.8a.6.6 0 0 0 0-1L8.92 4.7a.6.6 0 0 0-.92.5z'],
  again: ['M19.5 12a7.5 7.5 0 1 1-2.3-5.4', 'M19.8 3.5v4h-4'],
  close: ['M6.5 6.5l11 11M17.5 6.5l-11 11'],
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  film: ['M4 5.5h16v13H4zM8 5.5v13M16 5.5v13M4 12h4M16 12h4'],
  open: ['M6.5 9.5l5.5 5.5 5.5-5.5'],
  bin: ['M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7', 'M10.5 10.5v6M13.5 10.5v6'],
  logo: ['!M5 15.5a7 7 0 0 1 14 0z', 'M2.8 19.2h18.4M12 3v2.4M4.2 7.4l1.7 1.7M19.8 7.4l-1.7 1.7'],
} as const;

export type Name = keyof typeof ICONS;

export function icon(name: Name): SVGSVGElement {
  return drawing(ICONS[name]);
}

/** A button with words, and an icon if there is one. */
export function button(kind: 'main' | 'plain' | 'danger', label: string, press: (() => void) | null, name?: Name) {
  const made = el('button', { type: press === null ? 'submit' : 'button', class: `button ${kind}` });
  if (name !== undefined) made.append(icon(name));
  made.append(label);
  if (press !== null) made.addEventListener('click', press);
  return made;
}

/** A round button with an icon alone, named for those who do not see it. */
export function round(name: Name, label: string, press: () => void): HTMLButtonElement {
  const made = el('button', { type: 'button', class: 'round', 'aria-label': label, title: label }, icon(name));
  made.addEventListener('click', press);
  return made;
}

/** A named field. */
export function field(label: string, input: HTMLElement, hint?: string): HTMLLabelElement {
  const words = el('span', { class: 'name' }, label);
  return el('label', { class: 'field' }, words, input, hint === undefined ? null : el('small', {}, hint));
}

const said = el('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });

/** Where what is said goes; it must stand in the page. */
export const speaker: HTMLElement = said;

/** Says something to those who listen. */
export function say(text: string): void {
  said.textContent = text;
}

/** Asks before something that cannot be undone. */
export function confirm(title: string, text: string, yes: string): Promise<boolean> {
  const heading = el('h2', { id: 'ask' }, title);
  const dialog = el('dialog', { class: 'ask', 'aria-labelledby': 'ask' }, heading, el('p', {}, text));
  return new Promise((answer) => {
    const no = button('plain', 'Keep', () => dialog.close());
    const go = button('danger', yes, () => dialog.close('yes'));
    dialog.append(el('div', { class: 'row' }, no, go));
    dialog.addEventListener('close', () => {
      dialog.remove();
      answer(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
