//! What the studio asks the house.
//!
//! In: the administrator's credential or an account's token, ids, changes. Out: answers of the shapes of shared/wire, or a problem. Does not
//! know what is shown.

import { problemIn, type Problem } from '../api';

export interface Stream {
  kind: string;
  codec: string;
  language?: string;
  title?: string;
  is_default: boolean;
  video?: {
    width: number;
    height: number;
    pixel_format: string;
    frames_per_1000_s: number;
    is_vfr: boolean;
    is_interlaced: boolean;
    rotation: number;
    hdr?: string;
    is_cover: boolean;
  };
  audio?: { channels: number; layout: string; samples_per_s: number };
}

export interface Media {
  container: string;
  duration_ms: number;
  bits_per_s: number;
  streams: Stream[];
  chapters: { start_ms: number; end_ms: number; title: string }[];
}

export interface Asset {
  asset: string;
  kind?: 'upload' | 'recording';
  title: string;
  description: string;
  tags: string[];
  visibility: 'private' | 'unlisted' | 'public';
  state: 'probing' | 'uploaded' | 'refused' | 'transcoding' | 'ready' | 'failed' | 'cancelled';
  reason?: string;
  /** The show under which it is played. */
  show?: string;
  priority: 'urgent' | 'normal' | 'bulk';
  /** The account that owns it; absent: the house does. */
  account?: string;
  progress_percent: number;
  /** About how long the rest takes, in seconds, if anybody can say. */
  left_s?: number;
  is_playable: boolean;
  file_name?: string;
  bytes: number;
  created_at: number;
  /** How long it plays, in milliseconds: what of it is shown. */
  duration_ms?: number;
  media?: Media;
}

/** What an asset takes, took and gave: times in milliseconds. */
export interface Statistics {
  made_bytes: number;
  jobs_left: number;
  failures: number;
  cpu_ms: number;
  speed_percent?: number;
  sessions: number;
  sessions_active: number;
}

/** What whoever is signed in takes, and may take. */
export interface Share {
  account?: string;
  quota_bytes?: number;
  used_bytes: number;
}

export type Change = Partial<Pick<Asset, 'title' | 'description' | 'tags' | 'visibility' | 'priority'>>;

/** An answer, a refusal, or `unreachable`. */
export type Answer<T> = { ok: T } | { refused: Problem } | { unreachable: true };

/** Longest wait for an answer, in milliseconds; a file that is fetched from elsewhere may take as long as it takes. */
const ANSWER_MS_MAX = 15_000;

/** The house, as whoever has the credential sees it. */
export class House {
  /** What to do when the credential is not taken any more. */
  onSignedOut: () => void = () => {};

  constructor(readonly token: string) {}

  get headers(): Record<string, string> {
    return { Authorization: `Bearer ${this.token}` };
  }

  assets(search: { q: string; state: string; cursor?: string; limit?: number }): Promise<Answer<{ assets: Asset[]; next?: string }>> {
    const query = new URLSearchParams({ limit: String(search.limit ?? 20) });
    if (search.q !== '') query.set('q', search.q);
    if (search.state !== '') query.set('state', search.state);
    if (search.cursor !== undefined) query.set('cursor', search.cursor);
    return this.ask('GET', `/v1/assets?${query}`);
  }

  usage(): Promise<Answer<Share>> {
    return this.ask('GET', '/v1/account');
  }

  asset(id: string): Promise<Answer<Asset>> {
    return this.ask('GET', `/v1/assets/${encodeURIComponent(id)}`);
  }

  statistics(id: string): Promise<Answer<Statistics>> {
    return this.ask('GET', `/v1/assets/${encodeURIComponent(id)}/statistics`);
  }

  change(id: string, change: Change): Promise<Answer<Asset>> {
    return this.ask('PATCH', `/v1/assets/${encodeURIComponent(id)}`, change);
  }

  remove(id: string): Promise<Answer<{ asset: string; bytes: number }>> {
    return this.ask('DELETE', `/v1/assets/${encodeURIComponent(id)}`);
  }

  /** Makes a film of it once more. */
  transcode(id: string): Promise<Answer<Asset>> {
    return this.ask('POST', `/v1/assets/${encodeURIComponent(id)}/transcode`);
  }

  /** Makes no more of its film. */
  cancel(id: string): Promise<Answer<Asset>> {
    return this.ask('POST', `/v1/assets/${encodeURIComponent(id)}/cancel`);
  }

  /** A ticket, whose link plays a show. */
  ticket(show: string): Promise<Answer<{ watch_url: string }>> {
    return this.ask('POST', `/v1/shows/${encodeURIComponent(show)}/tickets`, {});
  }

  fetchFrom(url: string, title: string, signal: AbortSignal): Promise<Answer<Asset>> {
    return this.ask('POST', '/v1/assets/import', title === '' ? { url } : { url, title }, signal);
  }

  /** How much of an upload is there; `gone` if it is not known any more; null if nobody can say now. */
  async offset(url: string): Promise<number | 'gone' | null> {
    try {
      const response = await this.tus('HEAD', url);
      if (response.status === 404 || response.status === 410) return 'gone';
      const offset = response.headers.get('upload-offset');
      return response.ok && offset !== null ? Number(offset) : null;
    } catch {
      return null;
    }
  }

  /** Gives up an upload; whether it is gone. */
  async terminate(url: string): Promise<boolean> {
    try {
      const { ok, status } = await this.tus('DELETE', url);
      return ok || status === 404 || status === 410;
    } catch {
      return false;
    }
  }

  private tus(method: string, url: string): Promise<Response> {
    const headers = { ...this.headers, 'Tus-Resumable': '1.0.0' };
    return fetch(url, { method, headers, cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  }

  private async ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer<T>> {
    try {
      const response = await fetch(path, {
        method,
        cache: 'no-store',
        headers: body === undefined ? this.headers : { ...this.headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? AbortSignal.timeout(ANSWER_MS_MAX),
      });
      const text = await response.text();
      if (response.ok) return { ok: JSON.parse(text) as T };
      if (response.status === 401) this.onSignedOut();
      const problem = problemIn(text);
      return problem === null ? { unreachable: true } : { refused: problem };
    } catch {
      return { unreachable: true };
    }
  }
}
