//! The line that says how much room is taken, of whoever is signed in: an account, or the whole house.
//!
//! In: the house. Out: an element. Does not know what takes the room.

import { el } from '../dom';
import type { House } from './house';
import { room } from './words';

/** How often it is asked for, in milliseconds. */
const ASK_EVERY_MS = 15_000;

export class Usage {
  readonly element = el('p', { class: 'usage dim', hidden: true });
  private readonly asking: number;

  constructor(private readonly house: House) {
    this.asking = window.setInterval(() => void this.ask(), ASK_EVERY_MS);
    void this.ask();
  }

  close(): void {
    window.clearInterval(this.asking);
  }

  async ask(): Promise<void> {
    const answer = await this.house.usage();
    // What is not known now stays as it was.
    if (!('ok' in answer)) return;
    this.element.textContent = room(answer.ok);
    this.element.hidden = false;
  }
}
