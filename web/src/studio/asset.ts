//! One asset in the list: a line, and what opens below it: its film, media, what may be changed, the way out.
//!
//! In: an asset. Out: elements; changes to the house. Does not know the list.

import { el } from '../dom';
import { button, confirm, field, icon, say } from './draw';
import type { Answer, Asset, House } from './house';
import { mediaView } from './media';
import { PRIORITIES, refusal, size, standing, STATES, summary, tagsIn, took, VISIBILITIES } from './words';

const DATES = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export class Card {
  readonly element = el('li', { class: 'asset' });
  onDeleted: () => void = () => {};
  private readonly title = el('span', { class: 'title' });
  private readonly pill = el('span', { class: 'pill' });
  private readonly told = el('span', { class: 'told' });
  private readonly tags = el('span', { class: 'chips' });
  private readonly bar = el('progress', { max: '100', hidden: true });
  private readonly inside = el('div', { class: 'inside', hidden: true });
  private readonly head: HTMLButtonElement;

  constructor(private readonly house: House, public asset: Asset) {
    const words = el('span', { class: 'words' }, this.title, this.told, this.tags);
    this.head = el('button', { type: 'button', class: 'head', 'aria-expanded': 'false' }, icon('film'), words,
      this.pill, icon('open'));
    this.head.addEventListener('click', () => this.toggle());
    this.element.append(this.head, this.bar, this.inside);
    this.show(asset);
  }

  get isOpen(): boolean {
    return !this.inside.hidden;
  }

  /** Shows what is known now; a form that is open keeps what was typed. */
  show(asset: Asset): void {
    const { state, is_playable: playable } = this.asset;
    const settled = state !== asset.state || playable !== asset.is_playable;
    this.asset = asset;
    this.element.dataset['asset'] = asset.asset;
    this.element.dataset['state'] = asset.state;
    this.title.textContent = asset.title;
    this.pill.textContent = standing(asset);
    this.bar.hidden = asset.state !== 'transcoding';
    this.bar.value = asset.progress_percent;
    this.bar.setAttribute('aria-label', `Transcoding ${asset.title}`);
    const date = DATES.format(new Date(asset.created_at * 1000));
    const why = asset.reason === undefined ? [] : [`${STATES[asset.state]}: ${asset.reason}`];
    this.told.textContent = [...why, ...summary(asset, date)].join(' · ');
    this.tags.replaceChildren(
      ...(asset.visibility === 'private' ? [] : [el('span', { class: 'seen' }, asset.visibility)]),
      ...asset.tags.map((tag) => el('span', {}, tag)),
    );
    if (!settled) return;
    say(`${asset.title}: ${STATES[asset.state]}`);
    if (this.isOpen) this.inside.firstElementChild?.replaceWith(this.known());
  }

  private toggle(): void {
    const open = !this.isOpen;
    this.head.setAttribute('aria-expanded', String(open));
    this.inside.hidden = !open;
    this.inside.replaceChildren(...(open ? [this.known(), this.form()] : []));
  }

  private known(): HTMLElement {
    return el('div', { class: 'known' }, this.film(), this.about(), this.took());
  }

  /** The way to its film, or to another attempt, or to none. */
  private film(): HTMLElement | null {
    const { asset, show, state, is_playable: playable } = this.asset;
    const told = el('p', { class: 'told', role: 'status' });
    const tell = (answer: Answer<unknown>): void => {
      told.textContent = 'ok' in answer ? '' : trouble(answer);
      told.classList.toggle('wrong', !('ok' in answer));
    };
    const acts: HTMLElement[] = [];
    if (show !== undefined && playable) {
      acts.push(button('main', 'Make a watch link', () => void this.house.ticket(show).then((answer) => {
        tell(answer);
        if (!('ok' in answer)) return;
        const url = answer.ok.watch_url;
        told.replaceChildren(el('a', { href: url, target: '_blank', rel: 'noreferrer' }, url));
      }), 'link'));
    }
    const ask = (asked: Promise<Answer<Asset>>): void => void asked.then((answer) => {
      tell(answer);
      if ('ok' in answer) this.show(answer.ok);
    });
    if (state === 'failed' || state === 'cancelled') {
      const label = state === 'failed' ? 'Try again' : 'Go on transcoding';
      acts.push(button('plain', label, () => ask(this.house.transcode(asset)), 'again'));
    }
    if (state === 'uploaded' || state === 'transcoding') {
      acts.push(button('plain', 'Cancel transcoding', () => ask(this.house.cancel(asset)), 'close'));
    }
    return acts.length === 0 ? null : el('div', { class: 'row' }, ...acts, told);
  }

  private about(): HTMLElement {
    const { kind, state, media, reason } = this.asset;
    if (media !== undefined) return mediaView(media, this.asset.title);
    if (kind === 'recording') {
      return el('p', { class: 'media note' }, 'The recording of a show that is over: it plays as it went out.');
    }
    const text = state === 'probing'
      ? 'The house is looking into the file.'
      : `The house does not take this file, and has deleted its bytes: ${reason ?? 'it did not say why'}.`;
    return el('p', { class: 'media note' }, text);
  }

  /** What its film took and gave, as soon as the house has said it. */
  private took(): HTMLElement | null {
    const { asset, show, title } = this.asset;
    if (show === undefined) return null;
    const facts = el('dl', {});
    const view = el('section', { class: 'media', 'aria-label': `Statistics of ${title}`, hidden: true }, facts);
    void this.house.statistics(asset).then((answer) => {
      if (!('ok' in answer)) return;
      facts.replaceChildren(...took(answer.ok).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
      view.hidden = false;
    });
    return view;
  }

  private form(): HTMLElement {
    const { title, description, tags, visibility, priority } = this.asset;
    const name = el('input', { type: 'text', required: true, maxlength: '200', value: title });
    const about = el('textarea', { rows: '3', maxlength: '5000' }, description);
    const words = el('input', { type: 'text', value: tags.join(', ') });
    const who = el('select', {}, ...Object.entries(VISIBILITIES).map(([value, label]) =>
      el('option', { value, selected: value === visibility }, label)));
    const first = el('select', {}, ...Object.entries(PRIORITIES).map(([value, label]) =>
      el('option', { value, selected: value === priority }, label)));
    const told = el('p', { class: 'told', role: 'status' });
    const save = button('main', 'Save', null);
    const form = el('form', { class: 'change', 'aria-label': `About ${title}` },
      field('Title', name), field('Description', about), field('Tags', words, 'Parted by commas'),
      field('Who may find it', who), field('Transcoded', first),
      el('div', { class: 'row' }, save, told, button('danger', 'Delete', () => void this.remove(told), 'bin')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      save.disabled = true;
      const change = {
        title: name.value.trim(),
        description: about.value,
        tags: tagsIn(words.value),
        visibility: who.value as Asset['visibility'],
        priority: first.value as Asset['priority'],
      };
      void this.house.change(this.asset.asset, change).then((answer) => {
        save.disabled = false;
        told.textContent = 'ok' in answer ? 'Saved.' : trouble(answer);
        told.classList.toggle('wrong', !('ok' in answer));
        if ('ok' in answer) this.show(answer.ok);
      });
    });
    return form;
  }

  private async remove(told: HTMLElement): Promise<void> {
    const { asset, title, bytes } = this.asset;
    const text = `“${title}” and its ${size(bytes)} are deleted from the house. This cannot be undone.`;
    if (!await confirm('Delete this asset?', text, 'Delete')) return;
    const answer = await this.house.remove(asset);
    if ('ok' in answer || ('refused' in answer && answer.refused.code === 'asset_unknown')) {
      say(`${title} is deleted`);
      return this.onDeleted();
    }
    told.textContent = trouble(answer);
    told.classList.add('wrong');
  }
}

/** Why it did not work. */
export function trouble(answer: Answer<unknown>): string {
  return 'refused' in answer ? refusal(answer.refused.code, answer.refused.detail) : 'The house does not answer.';
}
