//! A house made of paper for the studio: the built page, tus in memory, assets, and any refusal a test wants.
//!
//! In: the built page, switches. Out: an address. Does not know the real house; tests/browser meets that one.

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Asset, Media, Share } from '../../src/studio/house';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml',
};

export const TOKEN = 'paper-token';

const MEDIA: Media = {
  container: 'matroska,webm',
  duration_ms: 5_047_000,
  bits_per_s: 12_400_000,
  streams: [
    {
      kind: 'video', codec: 'hevc', is_default: true,
      video: {
        width: 3840, height: 2160, pixel_format: 'yuv420p10le', frames_per_1000_s: 23_976, is_vfr: true,
        is_interlaced: false, rotation: 90, hdr: 'pq', is_cover: false,
      },
    },
    {
      kind: 'audio', codec: 'eac3', language: 'deu', title: 'Kino', is_default: false,
      audio: { channels: 6, layout: '5.1', samples_per_s: 48_000 },
    },
    { kind: 'subtitle', codec: 'subrip', language: 'eng', is_default: false },
  ],
  chapters: [
    { start_ms: 0, end_ms: 60_000, title: 'Overture' },
    { start_ms: 60_000, end_ms: 5_047_000, title: 'First act' },
  ],
};

interface Upload {
  name: string;
  bytes: number;
  there: number;
}

export class StudioHouse {
  /** What stands on the shelf, newest first. */
  assets: Asset[] = [];
  readonly uploads = new Map<string, Upload>();
  /** What every upload that begins is refused with: a status and a code. */
  refuse: [status: number, code: string, detail?: string] | null = null;
  /** How many bytes of a chunk are taken before the house stops listening. */
  takes = Infinity;
  /** How far a film comes each time that it is asked for, in percent. */
  pace = 50;
  /** Whether every request but for the page itself is cut off. */
  down = false;
  /** What is told of the room that is taken. */
  usage: Share = { used_bytes: 0 };
  /** Requests by method and path. */
  readonly asked: string[] = [];
  address = '';
  private made = 0;
  private readonly server = createServer((request, response) => this.answer(request, response));

  constructor(private readonly page: string) {}

  async open(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    this.address = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  reset(): void {
    Object.assign(this, { assets: [], refuse: null, takes: Infinity, down: false, pace: 50, usage: { used_bytes: 0 } });
    this.uploads.clear();
    this.asked.length = 0;
  }

  /** Puts an asset on the shelf. */
  shelve(title: string, more: Partial<Asset> = {}): Asset {
    this.made += 1;
    const asset: Asset = {
      asset: `a${this.made}`, title, description: '', tags: [], visibility: 'private', state: 'ready', priority: 'normal',
      show: `s${this.made}`, progress_percent: 100, is_playable: true, file_name: `${title.toLowerCase()}.mkv`, bytes: 7_800_000_000, created_at: 1_790_000_000 + this.made, media: MEDIA, ...more,
    };
    this.assets.unshift(asset);
    return asset;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.address);
    if (pathname === '/studio') return this.file(response, 'studio.html');
    if (pathname.startsWith('/assets/')) return this.file(response, pathname);
    if (this.down) return void request.socket.destroy();
    this.asked.push(`${request.method} ${pathname}`);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return this.problem(response, 401, 'credential_wrong');
    if (pathname.startsWith('/v1/tus')) return this.tus(request, response, pathname.split('/')[3]);
    if (pathname === '/v1/account') return this.json(response, 200, this.usage);
    if (pathname === '/v1/assets') return this.list(response, searchParams);
    void text(request).then((body) => this.one(request.method ?? '', response, pathname, body));
  }

  private list(response: ServerResponse, query: URLSearchParams): void {
    const q = query.get('q')?.toLowerCase() ?? '';
    const found = this.assets.filter(({ title, state, tags }) =>
      [title, ...tags].some((word) => word.toLowerCase().includes(q)) && state.startsWith(query.get('state') ?? ''));
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 50);
    this.json(response, 200, { assets: found.slice(from, to), ...(to < found.length ? { next: String(to) } : {}) });
  }

  private one(method: string, response: ServerResponse, pathname: string, body: string): void {
    if (pathname === '/v1/assets/import') {
      const [status, code] = this.refuse ?? [];
      if (status !== undefined && code !== undefined) return this.problem(response, status, code, 'the server answered 404');
      return this.json(response, 201, this.shelve((JSON.parse(body) as { title?: string }).title ?? 'fetched'));
    }
    if (pathname.endsWith('/tickets')) return this.json(response, 201, { watch_url: `${this.address}/watch/${pathname.split('/')[3]}` });
    const asset = this.assets.find((one) => pathname.split('/')[3] === one.asset);
    if (asset === undefined) return this.problem(response, 404, 'asset_unknown');
    if (pathname.endsWith('/statistics')) {
      return this.json(response, 200, { made_bytes: 6_100_000_000, jobs_left: 0, failures: 0, cpu_ms: 7_200_000, speed_percent: 320, sessions: 3, sessions_active: 1 });
    }
    if (pathname.endsWith('/transcode')) Object.assign(asset, { state: 'transcoding', progress_percent: 0, reason: undefined });
    if (pathname.endsWith('/cancel')) Object.assign(asset, { state: 'cancelled', left_s: undefined });
    if (method === 'PATCH') Object.assign(asset, JSON.parse(body));
    if (method === 'DELETE') this.assets = this.assets.filter((one) => one !== asset);
    // Whoever asks for one that the house works at finds it further the next time.
    const told = JSON.stringify(asset);
    const percent = asset.progress_percent + this.pace;
    if (asset.state === 'transcoding') Object.assign(asset, { progress_percent: percent, state: percent < 100 ? asset.state : 'ready' });
    if (asset.state === 'probing') Object.assign(asset, { state: 'transcoding', media: MEDIA, progress_percent: 0 });
    response.writeHead(200, { 'content-type': 'application/json' }).end(told);
  }

  private tus(request: IncomingMessage, response: ServerResponse, id: string | undefined): void {
    response.setHeader('tus-resumable', '1.0.0');
    if (request.method === 'POST') return this.create(request, response);
    const upload = this.uploads.get(id ?? '');
    if (id === undefined || upload === undefined) return this.problem(response, 404, 'upload_unknown');
    if (request.method === 'DELETE') {
      this.uploads.delete(id);
      return void response.writeHead(204).end();
    }
    if (request.method === 'PATCH') return this.chunk(request, response, id, upload);
    response.setHeader('upload-length', upload.bytes);
    response.writeHead(200, { 'upload-offset': upload.there }).end();
  }

  private create(request: IncomingMessage, response: ServerResponse): void {
    if (this.refuse !== null) return this.problem(response, ...this.refuse);
    const [, name = ''] = /filename ([^,]+)/.exec(String(request.headers['upload-metadata'])) ?? [];
    this.made += 1;
    const upload = { name: Buffer.from(name, 'base64').toString(), bytes: Number(request.headers['upload-length']), there: 0 };
    this.uploads.set(`u${this.made}`, upload);
    response.writeHead(201, { location: `/v1/tus/u${this.made}` }).end();
  }

  private chunk(request: IncomingMessage, response: ServerResponse, id: string, upload: Upload): void {
    request.on('data', (piece: Buffer) => {
      upload.there += piece.length;
      // A house that takes no more lets the line stand, as a slow one does.
      if (upload.there >= this.takes) request.pause();
    });
    request.on('end', () => {
      if (upload.there < upload.bytes) return;
      this.shelve(upload.name, { asset: id, bytes: upload.bytes, file_name: upload.name, state: 'probing' });
      delete this.assets[0]?.media;
      response.writeHead(204, { 'upload-offset': upload.there }).end();
    });
  }

  private file(response: ServerResponse, name: string): void {
    const path = join(this.page, name);
    if (!existsSync(path)) return this.problem(response, 404, 'not_found');
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/plain' }).end(readFileSync(path));
  }

  private problem(response: ServerResponse, status: number, code: string, detail?: string): void {
    this.json(response, status, { status, title: code, code, detail, request_id: 'r' });
  }

  private json(response: ServerResponse, status: number, body: unknown): void {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
  }
}

async function text(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
