//! The panel of uploads: files dropped or chosen, what is under way, what an earlier visit left, imports.
//!
//! In: files, rows of the queue. Out: elements, and assets that are new. Does not know how bytes travel.

import { el } from '../dom';
import { button, confirm, field, icon, round, say } from './draw';
import type { House } from './house';
import { Queue, type Row } from './queue';
import { ask, kept, type Unfinished } from './unfinished';
import { left, percent, refusal, size } from './words';

/** How often speed and time left are written anew, in milliseconds. */
const WRITE_EVERY_MS = 1000;

interface Line {
  element: HTMLLIElement;
  show(row: Row): void;
}

export class Uploads {
  readonly element: HTMLElement;
  onAsset: (asset: string) => void = () => {};
  private readonly queue: Queue;
  private readonly lines = new Map<string, Line>();
  private readonly rows = new Map<string, Row>();
  private readonly list = el('ul', { class: 'lines', 'aria-label': 'Uploads' });
  private readonly old = el('ul', { class: 'lines', 'aria-label': 'Unfinished uploads' });
  private readonly oldBox = el('section', { class: 'old', hidden: true });
  private readonly chooser = el('input', { type: 'file', multiple: true, hidden: true, 'aria-label': 'Files' });
  private readonly ticking: number;

  constructor(private readonly house: House) {
    this.queue = new Queue(house);
    this.queue.onChange = (row) => this.show(row);
    this.queue.onGone = (row) => this.drop(row.id);
    this.chooser.addEventListener('change', () => {
      this.take(this.chooser.files ?? []);
      this.chooser.value = '';
    });
    const choose = button('main', 'Choose files', () => this.chooser.click(), 'upload');
    this.oldBox.append(
      el('h2', {}, 'Unfinished'),
      el('p', { class: 'dim' }, 'Choose or drop the same file again, and it goes on where it broke off.'),
      this.old,
    );
    this.element = el(
      'section',
      { class: 'card uploads', 'aria-label': 'Upload' },
      el('div', { class: 'drop' }, icon('upload'), el('div', {},
        el('h2', {}, 'Drop films anywhere on this page'),
        el('p', { class: 'dim' }, 'Any size. What breaks off goes on; you can pause, and come back another day.')),
        choose, this.chooser),
      this.importer(),
      this.list,
      this.oldBox,
    );
    this.ticking = window.setInterval(() => this.rows.forEach((row) => {
      if (row.state === 'sending') this.lines.get(row.id)?.show(row);
    }), WRITE_EVERY_MS);
    void this.lookBack();
  }

  /** Takes files that were chosen or dropped. */
  take(files: Iterable<File>): void {
    const all = [...files];
    this.queue.add(all);
    for (const file of all) {
      // tus-js-client finds it by the file; here it only leaves the list of what waits.
      const waiting = [...this.old.children].find((line) => (line as HTMLElement).dataset['file'] === mark(file.name, file.size));
      waiting?.remove();
    }
    this.oldBox.hidden = this.old.childElementCount === 0;
  }

  close(): void {
    window.clearInterval(this.ticking);
    this.queue.close();
  }

  private show(row: Row): void {
    let line = this.lines.get(row.id);
    const before = line?.element.dataset['state'];
    if (line === undefined) {
      line = this.line(row);
      this.lines.set(row.id, line);
      this.list.prepend(line.element);
    }
    this.rows.set(row.id, row);
    line.show(row);
    if (before === row.state) return;
    if (row.state === 'done' && row.asset !== null) this.onAsset(row.asset);
    const told = { done: 'is uploaded', paused: 'is paused', failed: `failed. ${row.why}`, lost: `waits. ${row.why}` };
    if (row.state in told) say(`${row.name} ${told[row.state as keyof typeof told]}`);
  }

  private drop(id: string): void {
    this.lines.get(id)?.element.remove();
    this.lines.delete(id);
    this.rows.delete(id);
  }

  private line({ id, name }: Row): Line {
    const bar = el('progress', { max: '100', 'aria-label': `Progress of ${name}` });
    const told = el('p', { class: 'told' });
    const pause = round('pause', `Pause ${name}`, () => this.queue.pause(id));
    const resume = round('play', `Go on with ${name}`, () => this.queue.resume(id));
    const again = round('again', `Try ${name} again`, () => this.queue.resume(id));
    const cancel = round('close', `Cancel ${name}`, () => void this.cancel(id));
    const clear = round('close', `Clear ${name} from this list`, () => this.queue.cancel(id));
    const element = el('li', { class: 'line' }, el('p', { class: 'title' }, name), told, bar,
      el('div', { class: 'acts' }, pause, resume, again, cancel, clear));
    const show = (row: Row) => {
      element.dataset['state'] = row.state;
      pause.hidden = !['waiting', 'sending', 'lost'].includes(row.state);
      resume.hidden = row.state !== 'paused';
      again.hidden = row.state !== 'failed';
      cancel.hidden = row.state === 'done';
      clear.hidden = row.state !== 'done';
      bar.hidden = row.state === 'done' || row.state === 'failed';
      bar.value = percent(row.sent, row.bytes);
      told.textContent = progress(row, performance.now());
    };
    return { element, show };
  }

  private async cancel(id: string): Promise<void> {
    const row = this.rows.get(id);
    if (row === undefined) return;
    const text = `What has been sent of “${row.name}” is deleted from the house.`;
    const sure = row.sent === 0 || row.state === 'failed' || await confirm('Cancel this upload?', text, 'Cancel the upload');
    // It may have been done meanwhile.
    if (sure && row.state !== 'done') this.queue.cancel(id);
  }

  /** What earlier visits left. */
  private async lookBack(): Promise<void> {
    const found = await ask(this.house, kept(localStorage, location.origin), localStorage);
    const going = new Set([...this.rows.values()].map(({ name, bytes }) => mark(name, bytes)));
    const waiting = found.filter(({ name, size }) => !going.has(mark(name, size)));
    this.old.replaceChildren(...waiting.map((one) => this.left(one)));
    this.oldBox.hidden = waiting.length === 0;
    if (waiting.length > 0) say(`${waiting.length} unfinished from an earlier visit`);
  }

  private left(one: Unfinished): HTMLLIElement {
    const there = one.there ?? 0;
    const bar = el('progress', { max: '100', 'aria-label': `Progress of ${one.name}` });
    bar.value = percent(there, one.size);
    const discard = round('bin', `Discard ${one.name}`, () => void this.discard(one, line));
    const line = el('li', { class: 'line', 'data-state': 'paused', 'data-file': mark(one.name, one.size) },
      el('p', { class: 'title' }, one.name),
      el('p', { class: 'told' }, `${percent(there, one.size)} % of ${size(one.size)} is in the house`), bar,
      el('div', { class: 'acts' }, button('plain', 'Choose it again', () => this.chooser.click()), discard));
    return line;
  }

  private async discard(one: Unfinished, line: HTMLElement): Promise<void> {
    const text = `What has been sent of “${one.name}” is deleted from the house.`;
    if (!await confirm('Discard this upload?', text, 'Discard')) return;
    if (!await this.house.terminate(one.url)) return say(`${one.name} could not be discarded`);
    localStorage.removeItem(one.key);
    line.remove();
    this.oldBox.hidden = this.old.childElementCount === 0;
  }

  private importer(): HTMLElement {
    const url = el('input', { type: 'url', required: true, placeholder: 'https://…', autocomplete: 'off' });
    const title = el('input', { type: 'text', maxlength: '200', autocomplete: 'off' });
    const form = el('form', {}, field('Address of the file', url), field('Title (optional)', title),
      button('plain', 'Fetch it', null, 'link'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.fetchFrom(url.value.trim(), title.value.trim());
      form.reset();
    });
    return el('details', { class: 'import' }, el('summary', {}, icon('link'), 'Fetch a file from elsewhere'), form);
  }

  private async fetchFrom(url: string, title: string): Promise<void> {
    const stop = new AbortController();
    const name = title || (url.split(/[?#]/)[0] ?? url).split('/').at(-1) || url;
    const told = el('p', { class: 'told' }, 'The house is fetching it. Leave this page open until it is there.');
    const away = round('close', `Stop fetching ${name}`, () => {
      stop.abort();
      line.remove();
    });
    const line = el('li', { class: 'line', 'data-state': 'sending' }, el('p', { class: 'title' }, name), told,
      el('progress', { 'aria-label': `Fetching ${name}` }), el('div', { class: 'acts' }, away));
    this.list.prepend(line);
    const answer = await this.house.fetchFrom(url, title, stop.signal);
    if (stop.signal.aborted) return;
    line.querySelector('progress')?.remove();
    line.dataset['state'] = 'ok' in answer ? 'done' : 'failed';
    if ('ok' in answer) {
      told.textContent = 'It is there.';
      this.onAsset(answer.ok.asset);
    } else if ('refused' in answer) told.textContent = refusal(answer.refused.code, answer.refused.detail);
    else told.textContent = 'The house did not answer.';
    say(`${name}: ${told.textContent}`);
  }
}

function mark(name: string, bytes: number): string {
  return `${bytes} ${name}`;
}

/** What stands below a file's name. */
function progress(row: Row, now: number): string {
  const part = `${percent(row.sent, row.bytes)} % of ${size(row.bytes)}`;
  switch (row.state) {
    case 'waiting':
      return row.sent > 0 ? `${part} · waiting` : `${size(row.bytes)} · waiting`;
    case 'paused':
      return `${part} · paused`;
    case 'lost':
      return `${part} · ${row.why}`;
    case 'failed':
      return row.why ?? 'It failed.';
    case 'done':
      return `${size(row.bytes)} · uploaded`;
    case 'sending': {
      const [speed, seconds] = [row.pace.speed(now), row.pace.left(now, row.bytes)];
      return [part, ...(speed === null ? [] : [`${size(speed)}/s`]), ...(seconds === null ? [] : [left(seconds)])].join(' · ');
    }
  }
}
