//! The page: a stage for the picture, a panel over it, and the show's name below.
//!
//! In: a model. Out: what is seen and heard of it, and which buttons were pressed. Does not know how to play.

import { el, icon } from './dom';
import type { Model } from './state';
import { badge, panel, ticketIn, type Action, type Panel } from './words';

export interface Presses {
  act: (action: Exclude<Action, 'give-ticket'>) => void;
  ticket: (ticket: string) => void;
}

export class View {
  readonly video = el('video', { playsinline: true, tabindex: '-1', 'aria-label': 'The show' });
  readonly still = el('canvas', { class: 'still', hidden: true, 'aria-hidden': 'true' });
  readonly stage = el('section', { class: 'stage', 'aria-label': 'Player' });
  private readonly veil = el('div', { class: 'veil' });
  private readonly title = el('h1', {}, 'Matinee');
  private readonly badge = el('span', { class: 'badge', hidden: true });
  private readonly status = el('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  private readonly heading = el('h2');
  private readonly text = el('p');
  private shown = '';

  constructor(private readonly presses: Presses) {
    this.stage.append(this.video, this.still, this.veil);
    const brand = el('header', { class: 'brand' }, icon('logo'), el('span', {}, 'Matinee'));
    const about = el('div', { class: 'about' }, this.title, this.badge);
    document.body.prepend(brand, el('main', {}, this.stage, about, this.status));
  }

  /** Shows a model; `now` is in milliseconds. */
  render(model: Model, now: number): void {
    const wanted = panel(model, now);
    this.stage.dataset['phase'] = model.phase;
    this.renderPanel(model, wanted);
    const title = model.show?.title ?? 'Matinee';
    if (this.title.textContent !== title) this.title.textContent = title;
    const page = model.show === null ? 'Matinee' : `${title} · Matinee`;
    if (document.title !== page) document.title = page;
    const pill = badge(model, now);
    this.badge.hidden = pill === null;
    this.badge.className = `badge ${pill?.tone ?? ''}`;
    if (this.badge.textContent !== (pill?.text ?? '')) this.badge.textContent = pill?.text ?? '';
  }

  private renderPanel(model: Model, wanted: Panel | null): void {
    // Only another kind of panel is built anew, so that a field keeps what was typed and the focus stays.
    const { phase, refusal, detail } = model;
    const kind = [phase, refusal, detail, wanted?.icon, wanted?.notice, wanted?.busy].join(' ');
    if (wanted !== null) {
      if (this.heading.textContent !== wanted.title) this.heading.textContent = wanted.title;
      if (this.text.textContent !== wanted.text) this.text.textContent = wanted.text;
      this.text.hidden = wanted.text === '';
    }
    if (kind === this.shown) return;
    this.shown = kind;
    this.veil.className = `veil${wanted?.notice ? ' notice' : ''}${wanted?.busy ? ' busy' : ''}`;
    this.veil.hidden = wanted === null;
    if (wanted === null) this.veil.replaceChildren();
    else this.veil.replaceChildren(this.card(wanted));
    this.status.textContent = wanted === null ? 'Playing' : `${wanted.title}. ${wanted.text}`;
  }

  private card(wanted: Panel): HTMLElement {
    const sign = el('span', { class: 'sign' }, icon(wanted.icon));
    const words = el('div', { class: 'words' }, this.heading, this.text);
    return el('div', { class: 'card' }, sign, words, this.action(wanted));
  }

  private action(wanted: Panel): HTMLElement | null {
    if (wanted.action === null) return null;
    const { does, label } = wanted.action;
    if (does === 'give-ticket') return this.form(label);
    const button = el('button', { type: 'button', class: 'primary' }, label);
    button.addEventListener('click', () => this.presses.act(does));
    return button;
  }

  private form(label: string): HTMLElement {
    const field = el('input', {
      type: 'text',
      name: 'ticket',
      'aria-label': 'Ticket',
      placeholder: 'Ticket or link',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      maxlength: '4096',
    });
    const form = el('form', {}, field, el('button', { class: 'primary' }, label));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const ticket = ticketIn(field.value);
      if (ticket === null) field.focus();
      else this.presses.ticket(ticket);
    });
    return form;
  }
}
