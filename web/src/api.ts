//! What the page asks the house: the show's state, and a playback token for a ticket.
//!
//! In: a show's id, a ticket. Out: answers of the shapes of shared/wire, or a problem's code. Does not know what the
//! page does with them.

/** `GET /v1/shows/{show}/state`. Times are seconds since the Unix epoch. */
export interface Show {
  show: string;
  title: string;
  state: 'scheduled' | 'live' | 'interrupted' | 'ended';
  starts_at?: number | null;
}

/** `POST /v1/shows/{show}/playback`. */
export interface Playback {
  session: string;
  token: string;
  playlist_url: string;
  expires_at: number;
  /** What the ticket admits to, as far as the page cares; absent: everything. */
  policy?: { preview_s?: number; devices_max?: number };
}

/** What a problem's body says (RFC 9457). */
export interface Problem {
  code: string;
  detail: string | null;
}

/** An answer, a refusal, or `unreachable`: nobody answered, or not in our language. */
export type Answer<T> = { ok: T } | { refused: Problem } | { unreachable: true };

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS_MAX = 8000;

/** The show's state. */
export function fetchShow(show: string): Promise<Answer<Show>> {
  return ask<Show>(`/v1/shows/${encodeURIComponent(show)}/state`, {});
}

/** Swaps a ticket for a playback token; `session` is what this device had, so that it is not taken for another one. */
export function exchange(show: string, ticket: string, session: string | null): Promise<Answer<Playback>> {
  return ask<Playback>(`/v1/shows/${encodeURIComponent(show)}/playback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(session === null ? { ticket } : { ticket, session }),
  });
}

/** Says that the viewer has left, also while the page goes away; nobody waits for an answer. */
export function leave(show: string, ticket: string, session: string): void {
  const body = new Blob([JSON.stringify({ ticket, session })], { type: 'application/json' });
  navigator.sendBeacon(`/v1/shows/${encodeURIComponent(show)}/playback/end`, body);
}

/** Whether a status says that this viewer may not watch; all others are about the house or the network. */
export function isRefusal(status: number): boolean {
  return status === 400 || status === 401 || status === 403;
}

/** The refusal at an address of the session, or null while it is good. */
export async function refusalAt(url: string): Promise<Problem | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return isRefusal(response.status) ? problemIn(await response.text()) : null;
  } catch {
    return null;
  }
}

/** The text at an address of the session, or null where there is none. */
export async function fetchText(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

/** The problem in a body, or null where there is none. */
export function problemIn(body: unknown): Problem | null {
  try {
    const text = body instanceof ArrayBuffer ? new TextDecoder().decode(body) : body;
    const problem: unknown = typeof text === 'string' ? JSON.parse(text) : text;
    const { code, detail } = (problem ?? {}) as { code?: unknown; detail?: unknown };
    if (typeof code !== 'string') return null;
    return { code, detail: typeof detail === 'string' ? detail : null };
  } catch {
    return null;
  }
}

async function ask<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await fetch(path, { ...init, signal, cache: 'no-store' });
    const body = await response.text();
    if (response.ok) return { ok: JSON.parse(body) as T };
    const problem = problemIn(body);
    // The house's own trouble is not the viewer's fault: it may pass.
    return problem !== null && response.status < 500 ? { refused: problem } : { unreachable: true };
  } catch {
    return { unreachable: true };
  }
}
