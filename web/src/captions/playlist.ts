//! A caption track's media playlist: what is in it, when, and what to ask for next. Pure.
//!
//! In: a playlist's text, its address, what was known before. Out: segments and parts by the clock. Does not know who
//! fetches them.

/** A text of the track: a segment, or a part of one. */
export interface Piece {
  url: string;
  /** When it is shown, in milliseconds since the Unix epoch. */
  start: number;
  end: number;
  /** Its discontinuity sequence number: which mapping of media time holds. */
  cc: number;
  gap: boolean;
}

/** A segment with the parts that are listed of it; `whole` is null while it is not complete. */
export interface Segment {
  msn: number;
  whole: Piece | null;
  parts: Piece[];
}

export interface CaptionPlaylist {
  segments: Segment[];
  targetMs: number;
  /** Whether the server answers when there is something new. */
  blocks: boolean;
  /** Whether it leaves out what is old when asked to. */
  skips: boolean;
  ended: boolean;
}

/** Reads a playlist; null where it is none, or leaves out what is not known yet. */
export function readPlaylist(text: string, url: string, known: CaptionPlaylist | null): CaptionPlaylist | null {
  const lines = text.split(/\r?\n/);
  if (lines[0]?.trim() !== '#EXTM3U') return null;
  const reader = new Reader(url, known);
  return lines.every((line) => reader.take(line.trim())) ? reader.finish() : null;
}

/** What to ask for after this playlist. */
export function nextUrl(url: string, list: CaptionPlaylist | null): string {
  const next = new URL(url);
  if (list === null || !list.blocks || list.ended) return next.href;
  const last = list.segments.at(-1);
  const open = last !== undefined && last.whole === null;
  const msn = last === undefined ? 0 : last.msn + (open ? 0 : 1);
  next.searchParams.set('_HLS_msn', String(msn));
  next.searchParams.set('_HLS_part', String(open ? last.parts.length : 0));
  if (list.skips) next.searchParams.set('_HLS_skip', 'v2');
  return next.href;
}

class Reader {
  private readonly list: CaptionPlaylist = { segments: [], targetMs: 0, blocks: false, skips: false, ended: false };
  private msn = 0;
  private cc = 0;
  /** Where the next piece begins. */
  private at = NaN;
  private partAt = NaN;
  private duration = NaN;
  private gap = false;
  private parts: Piece[] = [];

  constructor(
    private readonly url: string,
    private readonly known: CaptionPlaylist | null,
  ) {}

  /** Takes a line; false where nothing can be made of the whole. */
  take(line: string): boolean {
    const [, tag = '', value = ''] = /^#(EXT[A-Z0-9-]*)(?::(.*))?$/.exec(line) ?? [];
    if (tag === '') {
      if (line !== '' && !line.startsWith('#')) this.segment(line);
      return true;
    }
    switch (tag) {
      case 'EXT-X-TARGETDURATION': this.list.targetMs = Number(value) * 1000; break;
      case 'EXT-X-MEDIA-SEQUENCE': this.msn = Number(value); break;
      case 'EXT-X-DISCONTINUITY-SEQUENCE': this.cc = Number(value); break;
      case 'EXT-X-SERVER-CONTROL':
        this.list.blocks = attribute(value, 'CAN-BLOCK-RELOAD') === 'YES';
        this.list.skips = attribute(value, 'CAN-SKIP-UNTIL') !== null;
        break;
      case 'EXT-X-SKIP': return this.skip(Number(attribute(value, 'SKIPPED-SEGMENTS')));
      case 'EXT-X-DISCONTINUITY': this.cc += 1; break;
      case 'EXT-X-PROGRAM-DATE-TIME': this.at = this.partAt = Date.parse(value); break;
      case 'EXT-X-PART': this.part(value); break;
      case 'EXT-X-GAP': this.gap = true; break;
      case 'EXTINF': this.duration = parseFloat(value) * 1000; break;
      case 'EXT-X-ENDLIST': this.list.ended = true; break;
    }
    return true;
  }

  finish(): CaptionPlaylist | null {
    if (this.parts.length > 0) this.push(null);
    return this.list.targetMs > 0 ? this.list : null;
  }

  /** What is left out is as it was. */
  private skip(count: number): boolean {
    const first = this.known?.segments[0]?.msn ?? NaN;
    for (let left = count; left > 0; left -= 1) {
      const before = this.known?.segments[this.msn - first];
      if (before === undefined || before.whole === null) return false;
      this.list.segments.push({ ...before, parts: [] });
      this.msn += 1;
      this.cc = before.whole.cc;
      this.at = this.partAt = before.whole.end;
    }
    return Number.isInteger(count);
  }

  private part(value: string): void {
    const uri = attribute(value, 'URI');
    const end = this.partAt + Number(attribute(value, 'DURATION')) * 1000;
    const gap = attribute(value, 'GAP') === 'YES';
    if (uri !== null) this.parts.push(this.piece(uri, this.partAt, end, gap));
    this.partAt = end;
  }

  private segment(uri: string): void {
    const end = this.at + this.duration;
    this.push(this.piece(uri, this.at, end, this.gap));
    this.at = this.partAt = end;
    this.duration = NaN;
    this.gap = false;
    this.msn += 1;
  }

  private push(whole: Piece | null): void {
    this.list.segments.push({ msn: this.msn, whole, parts: this.parts });
    this.parts = [];
  }

  private piece(uri: string, start: number, end: number, gap: boolean): Piece {
    return { url: new URL(uri, this.url).href, start, end, cc: this.cc, gap };
  }
}

/** An attribute's value, without its quotes. */
function attribute(list: string, name: string): string | null {
  const [, quoted, bare] = new RegExp(`(?:^|,)${name}=(?:"([^"]*)"|([^,]*))`).exec(list) ?? [];
  return quoted ?? bare ?? null;
}
