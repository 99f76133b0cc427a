//! The uploads of this visit: Uppy over tus, and what we add to it: patience without end, and the house's own words.
//!
//! In: files, what a person wants. Out: rows, whenever one changes. Does not know elements.
//!
//! Uppy is asked to try each request once: what is tried again, and when, is decided here, in one place.

import Uppy from '@uppy/core';
import Tus from '@uppy/tus';
import { problemIn, type Problem } from '../api';
import type { House } from './house';
import { Pace, patience } from './pace';
import { isPassing, refusal } from './words';

/** How many files are sent at once. */
const AT_ONCE = 3;

export interface Row {
  id: string;
  name: string;
  bytes: number;
  sent: number;
  /** `lost`: it goes on by itself, once the house can be reached. */
  state: 'waiting' | 'sending' | 'paused' | 'lost' | 'failed' | 'done';
  /** Why it failed or waits. */
  why: string | null;
  pace: Pace;
  /** The asset it became. */
  asset: string | null;
}

interface Kept extends Row {
  tries: number;
  timer: number;
  /** What the house answered last, if it was a refusal. */
  answer: { status: number; problem: Problem | null } | null;
}

/** What is used of Uppy's own idea of a file. */
type Uppys = { id: string; error?: string | null; tus?: { uploadUrl?: string | null } } | undefined;

export class Queue {
  onChange: (row: Row) => void = () => {};
  onGone: (row: Row) => void = () => {};
  private readonly rows = new Map<string, Kept>();
  private readonly uppy: Uppy;

  constructor(private readonly house: House) {
    const silent = () => {};
    this.uppy = new Uppy({ autoProceed: true, logger: { debug: silent, warn: silent, error: silent } });
    this.uppy.use(Tus, {
      endpoint: `${location.origin}/v1/tus`,
      headers: house.headers,
      limit: AT_ONCE,
      retryDelays: [],
      allowedMetaFields: ['name', 'type'],
      removeFingerprintOnSuccess: true,
      storeFingerprintForResuming: true,
    });
    this.uppy.on('upload-progress', (file, { bytesUploaded }) => this.progressed(file, bytesUploaded || 0));
    this.uppy.on('upload-success', (file, response) => this.succeeded(file, response.uploadURL ?? ''));
    this.uppy.on('upload-error', (file) => this.failed(file));
    window.addEventListener('online', () => this.rows.forEach((row) => row.state === 'lost' && this.again(row)));
  }

  /** Takes files; a file that is there already goes on if it stood still. */
  add(files: Iterable<File>): void {
    for (const file of files) this.take(file);
  }

  pause(id: string): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    window.clearTimeout(row.timer);
    // One that failed has nothing to stop; one that is tried again at this moment has.
    const file = this.uppy.getFile(id);
    if (!file.error && !file.isPaused) this.uppy.pauseResume(id);
    row.pace.rest();
    this.set(row, { state: 'paused', why: null });
  }

  resume(id: string): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    row.tries = 0;
    const file = this.uppy.getFile(id);
    if (row.state === 'paused' && file.isPaused && !file.error) {
      this.uppy.pauseResume(id);
      this.set(row, { state: 'waiting', why: null });
    } else if (row.state !== 'sending' && row.state !== 'done') this.again(row);
  }

  /** Gives an upload up, also in the house; of one that is done, only the row goes. */
  cancel(id: string): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    window.clearTimeout(row.timer);
    this.rows.delete(id);
    const file = this.uppy.getFile(id) as Uppys;
    // An upload that Uppy has let go of is ended by us.
    const letGo = row.state === 'lost' || row.state === 'failed' || file?.error != null;
    const url = file?.tus?.uploadUrl ?? null;
    if (letGo && url !== null) void this.house.terminate(url).then(() => forget(url));
    this.uppy.removeFile(id);
    this.onGone(row);
  }

  /** Lets go of everything without ending it in the house: whoever signs in goes on. */
  close(): void {
    this.rows.forEach((row) => window.clearTimeout(row.timer));
    this.rows.clear();
    this.uppy.pauseAll();
  }

  private take(file: File): void {
    const known = this.uppy.getFiles().find(({ data, name }) => {
      const there = data as File;
      return name === file.name && there.size === file.size && there.lastModified === file.lastModified;
    });
    const row = known && this.rows.get(known.id);
    if (row !== undefined && row.state !== 'done') return this.resume(row.id);
    if (row !== undefined) this.cancel(row.id);
    const id = this.uppy.addFile({ name: file.name, type: file.type, data: file, source: 'studio' });
    const made: Kept = {
      id, name: file.name, bytes: file.size, sent: 0, state: 'waiting', why: null, pace: new Pace(), asset: null,
      tries: 0, timer: 0, answer: null,
    };
    this.rows.set(id, made);
    this.uppy.setFileState(id, { tus: { onAfterResponse: listen(made) } } as object);
    this.onChange(made);
  }

  private progressed(file: Uppys, bytes: number): void {
    const row = file && this.rows.get(file.id);
    if (row === undefined || row.state === 'paused' || row.state === 'done') return;
    if (bytes > row.sent) row.tries = 0;
    row.pace.mark(performance.now(), bytes);
    this.set(row, { state: 'sending', why: null, sent: bytes });
  }

  private succeeded(file: Uppys, url: string): void {
    const row = file && this.rows.get(file.id);
    if (row === undefined) return;
    const asset = new URL(url, location.href).pathname.split('/').at(-1) ?? null;
    this.set(row, { state: 'done', sent: row.bytes, why: null, asset });
  }

  private failed(file: Uppys): void {
    const row = file && this.rows.get(file.id);
    if (row === undefined || row.state === 'paused') return;
    const { status, problem } = row.answer ?? { status: 0, problem: null };
    row.pace.rest();
    const code = problem?.code ?? null;
    if (!isPassing(status, code)) {
      const why = code === null ? `The house answered ${status}.` : refusal(code, problem?.detail ?? null);
      return this.set(row, { state: 'failed', why });
    }
    const wait = patience(row.tries);
    row.tries += 1;
    row.timer = window.setTimeout(() => this.again(row), wait);
    const cause = code === null ? 'No connection to the house.' : refusal(code, null);
    this.set(row, { state: 'lost', why: `${cause} It goes on by itself.` });
  }

  private again(row: Kept): void {
    window.clearTimeout(row.timer);
    row.answer = null;
    this.set(row, row.state === 'lost' ? {} : { state: 'waiting', why: null });
    // A failure is told by `upload-error`.
    this.uppy.retryUpload(row.id).catch(() => {});
  }

  private set(row: Kept, change: Partial<Row>): void {
    Object.assign(row, change);
    this.onChange(row);
  }
}

/** Keeps what the house answers, before anybody throws it away. */
function listen(row: Kept) {
  return (_: unknown, response: { getStatus(): number; getBody(): string }): void => {
    const status = response.getStatus();
    row.answer = status < 400 ? null : { status, problem: problemIn(response.getBody()) };
  };
}

function forget(url: string): void {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith('tus::') && localStorage.getItem(key)?.includes(JSON.stringify(url))) localStorage.removeItem(key);
  }
}
