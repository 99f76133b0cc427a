//! WebVTT texts, read into cues. Pure.
//!
//! In: a text of a caption track. Out: cues in the media's time. Does not know where they are shown.

export interface Cue {
  /** In seconds of the media's own clock. */
  start: number;
  end: number;
  /** Cue settings as they were written. */
  settings: string;
  text: string;
}

const TIME = String.raw`(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})`;
const TIMING = new RegExp(`^${TIME}[ \\t]+-->[ \\t]+${TIME}(?:[ \\t]+(.*))?$`);

/** The cues of a text; whatever else is in it is passed over. */
export function cuesIn(text: string): Cue[] {
  const [header = '', ...blocks] = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n').split(/\n{2,}/);
  if (!/^WEBVTT(?:[ \t\n]|$)/.test(header)) return [];
  const offset = offsetIn(header);
  return blocks.map((block) => cueIn(block, offset)).filter((cue) => cue !== null);
}

function cueIn(block: string, offset: number): Cue | null {
  const lines = block.replace(/\n+$/, '').split('\n');
  const at = lines.slice(0, 2).findIndex((line) => line.includes('-->'));
  const timing = TIMING.exec(lines[at]?.trim() ?? '');
  if (timing === null) return null;
  const [start, end] = [seconds(timing.slice(1, 5)) + offset, seconds(timing.slice(5, 9)) + offset];
  const text = lines.slice(at + 1).join('\n');
  return end > start && text !== '' ? { start, end, settings: (timing[9] ?? '').trim(), text } : null;
}

/** What is to be added to a cue's time (`X-TIMESTAMP-MAP`; RFC 8216, 3.5), in seconds. */
function offsetIn(header: string): number {
  const [, map = ''] = /^X-TIMESTAMP-MAP=(.*)$/m.exec(header) ?? [];
  const local = new RegExp(`LOCAL:${TIME}`).exec(map);
  const [, ticks] = /MPEGTS:(\d+)/.exec(map) ?? [];
  return local === null || ticks === undefined ? 0 : Number(ticks) / 90_000 - seconds(local.slice(1, 5));
}

function seconds([hours, minutes, whole, millis]: (string | undefined)[]): number {
  return (Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(whole) + Number(millis) / 1000;
}

/** Where and how a cue is shown, as properties of a `VTTCue`; settings that are wrong are passed over (WebVTT, 6.4). */
export function placing(settings: string): Partial<VTTCue> {
  const placed: Partial<VTTCue> = {};
  for (const setting of settings.split(/[ \t]+/)) {
    const [, name, value = ''] = /^([a-z]+):(.+)$/.exec(setting) ?? [];
    const [first = '', second] = value.split(',');
    if (name === 'vertical' && /^(?:rl|lr)$/.test(value)) placed.vertical = value as DirectionSetting;
    if (name === 'align' && /^(?:start|center|end|left|right)$/.test(value)) placed.align = value as AlignSetting;
    if (name === 'size') put(percent(value), (size) => (placed.size = size));
    if (name === 'position') {
      put(percent(first), (position) => (placed.position = position));
      if (/^(?:line-left|center|line-right)$/.test(second ?? '')) placed.positionAlign = second as PositionAlignSetting;
    }
    if (name === 'line') {
      put(percent(first), (line) => [placed.snapToLines, placed.line] = [false, line]);
      if (/^-?\d{1,3}$/.test(first)) placed.line = Number(first);
      if (/^(?:start|center|end)$/.test(second ?? '')) placed.lineAlign = second as LineAlignSetting;
    }
  }
  return placed;
}

function put(value: number | null, where: (value: number) => void): void {
  if (value !== null) where(value);
}

function percent(text: string): number | null {
  const [, number] = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text) ?? [];
  return number !== undefined && Number(number) <= 100 ? Number(number) : null;
}
