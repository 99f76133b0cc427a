//! What the studio says, and how it writes sizes, times and codecs. Pure.
//!
//! In: numbers, codes, media. Out: texts. Does not know elements.

import type { Asset, Media, Share, Statistics, Stream } from './house';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `1.4 GB` */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999,950 is written as 1.0 MB, not as 1000 kB.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `anna: 1.4 GB of 10 GB taken` */
export function room({ account, quota_bytes: max, used_bytes: used }: Share): string {
  const taken = max === undefined ? `${size(used)} taken` : `${size(used)} of ${size(max)} taken`;
  return `${account ?? 'The house'}: ${taken}`;
}

/** `4:07`, `1:04:07` */
export function clock(ms: number): string {
  const all = Math.round(ms / 1000);
  const two = (part: number) => String(part).padStart(2, '0');
  const minutes = Math.floor(all / 60) % 60;
  const hours = Math.floor(all / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

/** `about 3 min left` */
export function left(seconds: number): string {
  if (seconds < 10) return 'a few seconds left';
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} s left`;
  if (seconds < 55 * 60) return `about ${Math.ceil(seconds / 60)} min left`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.ceil((seconds % 3600) / 600) * 10;
  if (hours >= 24) return 'more than a day left';
  if (minutes === 60) return `about ${hours + 1} h left`;
  return minutes === 0 ? `about ${hours} h left` : `about ${hours === 0 ? '' : `${hours} h `}${minutes} min left`;
}

/** `2.4 Mb/s` */
export function bitRate(bitsPerS: number): string {
  return bitsPerS >= 1e6 ? `${(bitsPerS / 1e6).toFixed(1)} Mb/s` : `${Math.round(bitsPerS / 1000)} kb/s`;
}

/** How much of it, in whole percent; 100 only when all is there. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.floor((Math.min(part, whole) * 100) / whole);
}

/** What the house's codes mean to whoever uploads. */
const CODES: Record<string, string> = {
  credential_missing: 'You are signed out. Sign in again.',
  credential_wrong: 'The credential is no longer taken. Sign in again.',
  quota_exceeded: 'There is no room left for uploads: delete something, or have the quota raised.',
  upload_too_large: 'This file is larger than this house takes.',
  uploads_full: 'Too many uploads are unfinished. Discard some, or try again later.',
  storage_full: 'The disk of the house is full.',
  checksum_mismatch: 'Something was damaged on the way.',
  upload_gone: 'This upload has expired. Choose the file again to begin anew.',
  upload_unknown: 'The house does not know this upload any more. Choose the file again to begin anew.',
  upload_taken_over: 'Another page goes on with this upload.',
  upload_held: 'Another page holds this upload.',
  stopping: 'The house is restarting.',
  busy: 'The house is busy.',
  not_fetched: 'The file could not be fetched.',
  asset_unknown: 'It is not there any more.',
  asset_not_transcoding: 'It is not being transcoded any more.',
  body_broke_off: 'The line broke off.',
};

/** A refusal in plain words; the house's own detail says more where there is no sentence of ours. */
export function refusal(code: string, detail: string | null): string {
  const known = CODES[code];
  if (code === 'not_fetched' || code === 'field_invalid' || code === 'quota_exceeded') return sentence(detail) ?? known ?? code;
  return known ?? sentence(detail) ?? `The house refused it (${code}).`;
}

function sentence(text: string | null): string | null {
  if (text === null || text === '') return null;
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Statuses and codes by which the house says "not now": the upload goes on by itself. */
export function isPassing(status: number, code: string | null): boolean {
  if (code === 'storage_full') return false;
  return status === 0 || status === 409 || status === 423 || status === 429 || status === 460 || status >= 500;
}

/** The credential in a fragment. */
export function tokenIn(fragment: string): string | null {
  const found = /^#(?:.*&)?token=([^&]+)/.exec(fragment)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found).trim() || null;
  } catch {
    return null;
  }
}

/** What may be a tag, of what was typed: parted by commas, each once. */
export function tagsIn(text: string): string[] {
  const tags = text.split(',').map((tag) => tag.trim()).filter((tag) => tag !== '');
  return [...new Set(tags)];
}

export const STATES: Record<Asset['state'], string> = {
  probing: 'Looking into it',
  uploaded: 'Uploaded',
  refused: 'Refused',
  transcoding: 'Transcoding',
  ready: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** Whether the house goes on with it by itself. */
export function isUnderWay({ state }: Asset): boolean {
  return state === 'probing' || state === 'uploaded' || state === 'transcoding';
}

/** Where it stands, for its line. */
export function standing({ state, progress_percent: percent }: Asset): string {
  return state === 'transcoding' ? `${STATES[state]} ${percent} %` : STATES[state];
}

export const PRIORITIES: Record<Asset['priority'], string> = {
  urgent: 'Urgent: before all others',
  normal: 'Normal',
  bulk: 'Bulk: after all others',
};

export const VISIBILITIES: Record<Asset['visibility'], string> = {
  private: 'Private: only you',
  unlisted: 'Unlisted: whoever has the link',
  public: 'Public: everybody',
};

/** What stands below an asset's title. */
export function summary(asset: Asset, date: string): string[] {
  const length = asset.duration_ms ?? asset.media?.duration_ms;
  const film = asset.media?.streams.find(({ video }) => video && !video.is_cover)?.video;
  return [
    ...(asset.left_s === undefined ? [] : [left(asset.left_s)]),
    ...(length === undefined ? [] : [clock(length)]),
    ...(film ? [`${film.width}×${film.height}`] : []),
    size(asset.bytes),
    date,
    ...(asset.kind === 'recording' ? ['recorded'] : []),
    ...(asset.file_name === undefined || asset.file_name === asset.title ? [] : [asset.file_name]),
    ...(asset.account === undefined ? [] : [asset.account]),
  ];
}

/** The whole file, as pairs of a name and what it is. */
export function fileFacts(media: Media): [string, string][] {
  return [
    ['Container', media.container],
    ['Duration', clock(media.duration_ms)],
    ['Bit rate', bitRate(media.bits_per_s)],
  ];
}

/** What a film took and gave, as pairs of a name and what it is. */
export function took(told: Statistics): [string, string][] {
  const { made_bytes, failures, cpu_ms, speed_percent, sessions, sessions_active } = told;
  return [
    ['Made of it', size(made_bytes)],
    ['Processors', cpu_ms < 1000 ? '—' : clock(cpu_ms)],
    ...(speed_percent === undefined ? [] : [['Made at', `${(speed_percent / 100).toFixed(2)} × its speed`] as [string, string]]),
    ...(failures === 0 ? [] : [['Attempts that failed', String(failures)] as [string, string]]),
    ['Sessions', sessions === 0 ? 'none lately' : `${sessions} lately, ${sessions_active} may play`],
  ];
}

const KINDS: Record<string, string> = {
  video: 'Video', audio: 'Audio', subtitle: 'Subtitles', attachment: 'Attachment', data: 'Data',
};
const RANGES: Record<string, string> = { pq: 'HDR (PQ)', hlg: 'HDR (HLG)', 'dolby-vision': 'Dolby Vision' };

export function streamName(stream: Stream): string {
  return stream.video?.is_cover ? 'Cover' : KINDS[stream.kind] ?? stream.kind;
}

/** One stream, in the words of the field. */
export function streamFacts(stream: Stream): string[] {
  const { video, audio, language, title } = stream;
  const facts = [stream.codec];
  if (language !== undefined && language !== 'und') facts.push(languageName(language));
  if (title !== undefined) facts.push(`“${title}”`);
  if (video) facts.push(...pictures(video));
  if (audio) {
    facts.push(audio.layout || `${audio.channels} channels`, `${audio.samples_per_s / 1000} kHz`);
    if (audio.layout) facts.push(audio.channels === 1 ? '1 channel' : `${audio.channels} channels`);
  }
  if (stream.is_default) facts.push('default');
  return facts;
}

function pictures(video: NonNullable<Stream['video']>): string[] {
  const facts = [`${video.width}×${video.height}`];
  const rate = Number((video.frames_per_1000_s / 1000).toFixed(3));
  if (!video.is_cover && rate > 0) facts.push(`${rate} pictures/s`);
  if (video.is_vfr) facts.push('variable rate (VFR)');
  facts.push(video.is_interlaced ? 'interlaced' : 'progressive');
  if (video.rotation !== 0) facts.push(`turned by ${video.rotation}°`);
  facts.push(video.hdr === undefined ? 'SDR' : RANGES[video.hdr] ?? video.hdr, video.pixel_format);
  return facts;
}

/** `deu` as `German (deu)`, if the browser knows. */
function languageName(code: string): string {
  try {
    const name = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' }).of(code);
    return name === undefined ? code : `${name} (${code})`;
  } catch {
    return code;
  }
}
