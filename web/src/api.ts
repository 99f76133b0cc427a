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
}

/** An answer, the code of a refusal, or `unreachable`: nobody answered, or not in our language. */
export type Answer<T> = { ok: T } | { refused: string } | { unreachable: true };

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS_MAX = 8000;

/** The show's state. */
export function fetchShow(show: string): Promise<Answer<Show>> {
  return ask<Show>(`/v1/shows/${encodeURIComponent(show)}/state`, {});
}

/** Swaps a ticket for a playback token. */
export function exchange(show: string, ticket: string): Promise<Answer<Playback>> {
  return ask<Playback>(`/v1/shows/${encodeURIComponent(show)}/playback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket }),
  });
}

/** Whether a status says that this viewer may not watch; all others are about the house or the network. */
export function isRefusal(status: number): boolean {
  return status === 400 || status === 401 || status === 403;
}

/** The code of a refusal at an address of the session, or null while it is good. */
export async function refusalAt(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return isRefusal(response.status) ? problemCode(await response.text()) : null;
  } catch {
    return null;
  }
}

/** The code in a problem's body (RFC 9457), or null where there is none. */
export function problemCode(body: unknown): string | null {
  try {
    const text = body instanceof ArrayBuffer ? new TextDecoder().decode(body) : body;
    const problem: unknown = typeof text === 'string' ? JSON.parse(text) : text;
    const code = (problem as { code?: unknown } | null)?.code;
    return typeof code === 'string' ? code : null;
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
    const code = problemCode(body);
    // The house's own trouble is not the viewer's fault: it may pass.
    return code !== null && response.status < 500 ? { refused: code } : { unreachable: true };
  } catch {
    return { unreachable: true };
  }
}
