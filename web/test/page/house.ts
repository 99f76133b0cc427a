//! A house made of paper: serves the built page, a recording cut by ffmpeg as a live show, and any answer a test wants.
//!
//! In: the built page, switches. Out: an address. Does not know the real house; tests/browser meets that one.

import { execFileSync } from 'node:child_process';
import { readFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mp4': 'video/mp4',
  '.m4s': 'video/mp4',
  '.vtt': 'text/vtt',
  '.jpg': 'image/jpeg',
};

/** Segments already there when a show goes on air, and in a live playlist, if a test says nothing else. */
const WINDOW = 6;
/** Seconds from one picture of the storyboard to the next, and how many there are. */
const APART_S = 10;
const PICTURES = 9;

export class PaperHouse {
  state: 'scheduled' | 'live' | 'interrupted' | 'ended' = 'live';
  startsAt: number | null = null;
  title = 'An evening with the test pattern';
  /** The code every exchange is refused with. */
  refuseTicket: string | null = null;
  /** The code every media request is refused with. */
  refuseMedia: string | null = null;
  /** What else is said with a refusal. */
  detail: string | null = null;
  /** What every ticket admits to. */
  policy: Record<string, number> = {};
  /** Bodies posted, in order, after the last step of their address. */
  readonly posted: [string, { ticket?: string; session?: string }][] = [];
  /** What requests for captions are answered with; 0: the show has none. */
  captions = 0;
  /** Where chapters begin, in seconds, and what they are called. */
  chapters: [number, string][] = [];
  /** Where a recording says that it begins, in seconds. */
  startsWithin = 0;
  /** Segments already there when a show goes on air, and in a live playlist. */
  window = WINDOW;
  /** Whether every request but the page itself is cut off. */
  down = false;
  /** Addresses asked for that are not ours: there must be none. */
  readonly strangers: string[] = [];
  address = '';
  private since = 0;
  private readonly media = mkdtempSync(join(tmpdir(), 'paper-'));
  private readonly server: Server;

  constructor(private readonly page: string) {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  async open(): Promise<void> {
    const clip = [
      '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=90',
      '-f', 'lavfi', '-i', 'sine=f=440:d=90', '-c:v', 'libx264', '-preset', 'ultrafast',
      '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'hls', '-hls_time', '1',
      '-hls_list_size', '0', '-hls_segment_type', 'fmp4', '-hls_playlist_type', 'vod',
      '-hls_segment_filename', join(this.media, 's%d.m4s'), join(this.media, 'vod.m3u8'),
    ];
    execFileSync('ffmpeg', clip, { stdio: ['ignore', 'inherit', 'inherit'] });
    const strip = [
      '-v', 'error', '-i', join(this.media, 'vod.m3u8'), '-frames:v', '1',
      '-vf', `fps=1/${APART_S},scale=160:90,tile=${PICTURES}x1`, join(this.media, 'b0.jpg'),
    ];
    execFileSync('ffmpeg', strip, { stdio: ['ignore', 'inherit', 'inherit'] });
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    this.address = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    this.reset();
  }

  /** A live show for every ticket. */
  reset(): void {
    Object.assign(this, { state: 'live', startsAt: null, refuseTicket: null, refuseMedia: null, down: false });
    Object.assign(this, { detail: null, policy: {}, captions: 0, window: WINDOW, chapters: [], startsWithin: 0 });
    this.posted.length = 0;
    this.since = Date.now();
  }

  /** When the show began, in milliseconds since the Unix epoch. */
  get begun(): number {
    return this.since - this.window * 1000;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
    rmSync(this.media, { recursive: true });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', this.address);
    if (pathname.startsWith('/watch/')) return this.file(response, join(this.page, 'index.html'));
    if (pathname.startsWith('/assets/')) return this.file(response, join(this.page, pathname));
    if (this.down) return void request.socket.destroy();
    if (pathname.endsWith('/state')) return this.json(response, 200, this.show(pathname));
    if (request.method === 'POST') return this.post(request, response, pathname);
    if (this.refuseMedia !== null) return this.problem(response, 403, this.refuseMedia);
    if (pathname === '/live/x/index.m3u8') return this.text(response, this.multivariant());
    if (pathname === '/p/s/v/index.m3u8') return this.text(response, this.playlist());
    if (pathname === '/p/s/chapters.json') return this.json(response, 200, this.told());
    if (pathname === '/p/s/storyboard.vtt') return this.storyboard(response);
    if (pathname.startsWith('/p/s/board/')) return this.file(response, join(this.media, pathname.slice(11)));
    if (pathname.startsWith('/p/s/cc-')) return this.caption(response, pathname);
    if (pathname.startsWith('/p/s/v/')) return this.file(response, join(this.media, pathname.slice(7)));
    this.problem(response, 404, 'not_found');
  }

  private show(pathname: string): unknown {
    return { show: pathname.split('/')[3], title: this.title, state: this.state, starts_at: this.startsAt };
  }

  private post(request: IncomingMessage, response: ServerResponse, pathname: string): void {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const last = pathname.split('/').at(-1) ?? '';
      this.posted.push([last, JSON.parse(body) as { ticket?: string; session?: string }]);
      if (last === 'playback') this.playback(response);
      else this.json(response, 200, {});
    });
  }

  private playback(response: ServerResponse): void {
    if (this.refuseTicket !== null) return this.problem(response, 403, this.refuseTicket);
    const expires = Math.floor(Date.now() / 1000) + 3600;
    this.json(response, 200, {
      session: 's', token: 't', playlist_url: '/live/x/index.m3u8?token=t', expires_at: expires,
      tier: 'all', policy: this.policy,
    });
  }

  private multivariant(): string {
    const variant = '#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,FRAME-RATE=25';
    if (this.captions === 0) return `#EXTM3U\n${this.said()}${variant}\n/p/s/v/index.m3u8\n`;
    const tracks = [['en', 'English', 'YES'], ['de', 'Deutsch', 'NO']].map(([language, name, main]) => {
      return `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="c",NAME="${name}",LANGUAGE="${language}",DEFAULT=${main},`
        + `AUTOSELECT=YES,URI="/p/s/cc-${language}/index.m3u8"\n`;
    });
    return `#EXTM3U\n${tracks.join('')}${variant},SUBTITLES="c"\n/p/s/v/index.m3u8\n`;
  }

  /** What the multivariant playlist of a recording says besides. */
  private said(): string {
    const start = this.startsWithin > 0 ? `#EXT-X-START:TIME-OFFSET=${this.startsWithin},PRECISE=YES\n` : '';
    const data = '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="/p/s/chapters.json"\n';
    return start + (this.chapters.length > 0 ? data : '');
  }

  private told(): unknown {
    return this.chapters.map(([start, title], at) => {
      return { chapter: at + 1, 'start-time': start, titles: [{ language: 'und', title }] };
    });
  }

  /** Each second of the show says its number, in its language. */
  private caption(response: ServerResponse, pathname: string): void {
    // Who was told of some before there were none, asks.
    if (this.captions !== 200) return this.problem(response, this.captions || 404, 'no_captions');
    const [, language = '', number] = /cc-([a-z]+)\/(?:s(\d+))?/.exec(pathname) ?? [];
    if (number === undefined) {
      return this.text(response, this.playlist().replace(/^#EXT-X-MAP.*\n/m, '').replaceAll('.m4s', '.vtt'));
    }
    const clock = (second: number) => new Date(second * 1000).toISOString().slice(11, 23);
    response.writeHead(200, { 'content-type': TYPES['.vtt'] });
    response.end('WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n\n'
      + `${clock(Number(number))} --> ${clock(Number(number) + 1)}\n<i>${language}</i> ${number}\n`);
  }

  /** A picture each ten seconds, all in one strip. */
  private storyboard(response: ServerResponse): void {
    const clock = (second: number) => new Date(second * 1000).toISOString().slice(11, 23);
    const cue = (_: unknown, at: number) => `${clock(at * APART_S)} --> ${clock((at + 1) * APART_S)}\n`
      + `board/b0.jpg#xywh=${at * 160},0,160,90\n\n`;
    response.writeHead(200, { 'content-type': TYPES['.vtt'] });
    response.end(`WEBVTT\n\nNOTE start_us=${this.begun}000\n\n${Array.from({ length: PICTURES }, cue).join('')}`);
  }

  /** The whole recording once it ended; the last segments before that. */
  private playlist(): string {
    const vod = readFileSync(join(this.media, 'vod.m3u8'), 'utf8');
    const lines = vod.split('\n');
    const first = lines.findIndex((line) => line.startsWith('#EXTINF'));
    const begun = `#EXT-X-PROGRAM-DATE-TIME:${new Date(this.begun).toISOString()}`;
    if (this.state === 'ended') return lines.toSpliced(first, 0, begun).join('\n');
    const head = lines.slice(0, first).filter((line) => !/MEDIA-SEQUENCE|PLAYLIST-TYPE/.test(line));
    const end = Math.min(90, this.window + Math.floor((Date.now() - this.since) / 1000));
    const start = Math.max(0, end - this.window);
    const date = new Date(this.begun + start * 1000).toISOString();
    return [
      ...head,
      `#EXT-X-MEDIA-SEQUENCE:${start}`,
      `#EXT-X-PROGRAM-DATE-TIME:${date}`,
      ...lines.slice(first + start * 2, first + end * 2),
      '',
    ].join('\n');
  }

  private file(response: ServerResponse, path: string): void {
    if (!existsSync(path)) return this.problem(response, 404, 'not_found');
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/plain' });
    response.end(readFileSync(path));
  }

  private text(response: ServerResponse, body: string): void {
    response.writeHead(200, { 'content-type': TYPES['.m3u8'] });
    response.end(body);
  }

  private json(response: ServerResponse, status: number, body: unknown): void {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'content-type': type });
    response.end(JSON.stringify(body));
  }

  private problem(response: ServerResponse, status: number, code: string): void {
    this.json(response, status, { status, title: code, code, detail: this.detail ?? undefined, request_id: 'r' });
  }
}
