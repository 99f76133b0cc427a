//! The list of assets: search, state, more; those that the house works at are followed.
//!
//! In: the house. Out: elements. Does not know one card's inside.

import { el } from '../dom';
import { Card, trouble } from './asset';
import { button, field } from './draw';
import type { Asset, House } from './house';
import { isUnderWay, STATES } from './words';

/** How often those that the house works at are asked for, in milliseconds. */
const FOLLOW_EVERY_MS = 1500;
/** How long after the last key a search begins, in milliseconds. */
const TYPED_MS = 250;

export class Assets {
  readonly element: HTMLElement;
  private readonly cards = new Map<string, Card>();
  private readonly list = el('ul', { class: 'assets' });
  private readonly told = el('p', { class: 'empty dim', hidden: true });
  private readonly search = el('input', { type: 'search', placeholder: 'Title, file name, tag', autocomplete: 'off' });
  private readonly state = el('select', {}, el('option', { value: '' }, 'All'),
    ...Object.entries(STATES).map(([value, label]) => el('option', { value }, label)));
  private readonly more = button('plain', 'More', () => void this.load(this.next));
  private readonly following: number;
  private next: string | undefined;
  private asked = 0;
  private typing = 0;

  constructor(private readonly house: House) {
    this.search.addEventListener('input', () => {
      window.clearTimeout(this.typing);
      this.typing = window.setTimeout(() => void this.load(), TYPED_MS);
    });
    this.state.addEventListener('change', () => void this.load());
    this.more.classList.add('more');
    this.more.hidden = true;
    this.element = el('section', { class: 'card library', 'aria-labelledby': 'library' },
      el('header', {}, el('h2', { id: 'library' }, 'Assets'),
        el('div', { class: 'filters', role: 'search' }, field('Search', this.search), field('State', this.state))),
      this.list, this.told, this.more);
    this.following = window.setInterval(() => void this.follow(), FOLLOW_EVERY_MS);
    void this.load();
  }

  /** An asset that has just come stands first, whatever is searched for. */
  async add(id: string): Promise<void> {
    const answer = await this.house.asset(id);
    if ('ok' in answer && !this.cards.has(id)) this.put(answer.ok, true);
    this.say();
  }

  close(): void {
    window.clearInterval(this.following);
    window.clearTimeout(this.typing);
  }

  private async load(cursor?: string): Promise<void> {
    this.asked += 1;
    const mine = this.asked;
    const found = { q: this.search.value.trim(), state: this.state.value };
    const answer = await this.house.assets(cursor === undefined ? found : { ...found, cursor });
    if (mine !== this.asked) return; // something else was searched for meanwhile
    if (!('ok' in answer)) return this.say(trouble(answer));
    const { assets, next } = answer.ok;
    if (cursor === undefined) this.keepOnly(new Set(assets.map(({ asset }) => asset)));
    for (const asset of assets) this.put(asset, false);
    this.next = next;
    this.more.hidden = next === undefined;
    this.say();
  }

  private keepOnly(wanted: Set<string>): void {
    for (const [id, card] of this.cards) {
      if (!wanted.has(id)) card.element.remove();
      if (!wanted.has(id)) this.cards.delete(id);
    }
  }

  private put(asset: Asset, first: boolean): void {
    const known = this.cards.get(asset.asset);
    known?.show(asset);
    const card = known ?? new Card(this.house, asset);
    card.onDeleted = () => {
      card.element.remove();
      this.cards.delete(asset.asset);
      this.say();
      this.search.focus();
    };
    this.cards.set(asset.asset, card);
    if (first) this.list.prepend(card.element);
    else if (known === undefined) this.list.append(card.element);
  }

  private async follow(): Promise<void> {
    const open = [...this.cards.values()].filter(({ asset }) => isUnderWay(asset));
    for (const card of open) {
      const answer = await this.house.asset(card.asset.asset);
      if ('ok' in answer) card.show(answer.ok);
      else if ('refused' in answer && answer.refused.code === 'asset_unknown') card.onDeleted();
    }
  }

  private say(trouble?: string): void {
    const searched = this.search.value.trim() !== '' || this.state.value !== '';
    this.told.hidden = trouble === undefined && this.cards.size > 0;
    this.told.textContent = trouble
      ?? (searched ? 'Nothing is like that.' : 'Nothing is here yet. What you upload appears here.');
  }
}
