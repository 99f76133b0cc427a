//! Uploads that an earlier visit left unfinished, as tus-js-client keeps them in this browser.
//!
//! In: the browser's store, the house. Out: what is unfinished and how far it is. Does not know who goes on with it:
//! that is tus-js-client, when the same file is given again.

import type { House } from './house';

/** What tus-js-client keeps of an upload (its `urlStorage`). */
interface Kept {
  size?: number | null;
  metadata?: Record<string, string>;
  creationTime?: string;
  uploadUrl?: string | null;
}

export interface Unfinished {
  key: string;
  name: string;
  size: number;
  url: string;
  /** Bytes that the house has; null while nobody can say. */
  there: number | null;
}

const PREFIX = 'tus::';

/** What stands in the store, oldest first. Whatever is no record of an upload to this house is left alone. */
export function kept(store: Storage, origin: string): Unfinished[] {
  const found: (Unfinished & { since: number })[] = [];
  for (let at = 0; at < store.length; at += 1) {
    const key = store.key(at);
    if (key === null || !key.startsWith(PREFIX)) continue;
    const record = read(store.getItem(key));
    const url = record?.uploadUrl;
    if (typeof url !== 'string' || typeof record?.size !== 'number' || !isOurs(url, origin)) continue;
    const since = Date.parse(record.creationTime ?? '') || 0;
    const name = record.metadata?.['filename'] ?? record.metadata?.['name'] ?? 'A file';
    found.push({ key, name, size: record.size, url, there: null, since });
  }
  return found.sort((a, b) => a.since - b.since).map(({ since: _, ...rest }) => rest);
}

/** Asks the house how far each is; those that it does not know any more are forgotten. */
export async function ask(house: House, list: Unfinished[], store: Storage): Promise<Unfinished[]> {
  const asked = await Promise.all(list.map(async (one) => {
    const there = await house.offset(one.url);
    if (there === 'gone' || there === one.size) {
      store.removeItem(one.key);
      return null;
    }
    return { ...one, there };
  }));
  return asked.filter((one) => one !== null);
}

function read(text: string | null): Kept | null {
  try {
    const record: unknown = JSON.parse(text ?? '');
    return typeof record === 'object' && record !== null ? record : null;
  } catch {
    return null;
  }
}

function isOurs(url: string, origin: string): boolean {
  try {
    return new URL(url).origin === origin;
  } catch {
    return false;
  }
}
