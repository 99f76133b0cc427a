//! A menu: a button and a list of choices, for mouse, touch, keyboard and screen reader.
//!
//! In: choices and which of them holds. Out: the viewer's choice. Does not know the player.

import { el, icon, iconButton, type Icon } from './dom';

export interface Choice {
  /** null: none of those that are counted. */
  value: number | null;
  label: string;
  detail: string;
  chosen: boolean;
}

export class Menu {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly list: HTMLElement;

  constructor(
    image: Icon,
    label: string,
    private readonly choices: () => Choice[],
    private readonly choose: (value: number | null) => void,
  ) {
    this.list = el('div', { class: 'menu', role: 'menu', 'aria-label': label, hidden: true });
    this.button = iconButton(image, label, () => this.toggle());
    this.button.setAttribute('aria-haspopup', 'menu');
    this.button.setAttribute('aria-expanded', 'false');
    this.element = el('div', { class: 'menu-holder' }, this.button, this.list);
    this.list.addEventListener('keydown', (event) => this.key(event));
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.close();
    });
  }

  get isOpen(): boolean {
    return !this.list.hidden;
  }

  /** Shows the button where there is something to choose, marked where a choice is `on`. */
  offer(any: boolean, on = false): void {
    this.element.hidden = !any;
    this.button.classList.toggle('on', on);
    if (!any) this.close();
  }

  close(): void {
    this.list.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
  }

  private toggle(): void {
    if (this.isOpen) return this.close();
    this.list.replaceChildren(...this.choices().map((choice) => this.item(choice)));
    this.list.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this.list.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
  }

  private item(choice: Choice): HTMLElement {
    const item = el(
      'button',
      {
        type: 'button',
        role: 'menuitemradio',
        'aria-checked': String(choice.chosen),
        tabindex: '-1',
      },
      icon('check'),
      el('span', {}, choice.label),
      el('small', {}, choice.detail),
    );
    item.addEventListener('click', () => {
      this.choose(choice.value);
      this.close();
      this.button.focus();
    });
    return item;
  }

  private key(event: KeyboardEvent): void {
    const items = [...this.list.querySelectorAll<HTMLElement>('button')];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === 'Escape') {
      this.close();
      this.button.focus();
    } else if (to !== undefined) {
      items[(to + items.length) % items.length]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
