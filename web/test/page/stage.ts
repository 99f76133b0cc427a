//! A house of paper with the built pages in it, and a browser before it: for the tests of one file.
//!
//! In: how the house is made, flags of the browser. Out: pages, and what they did that none may do. Does not know what is
//! played.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { build } from 'vite';
import { launch } from './browser';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Paper {
  readonly address: string;
  open(): Promise<unknown>;
  close(): void;
}

export class Stage<House extends Paper> {
  readonly house: House;
  /** Requests that left the house, and what the content policy forbade. */
  readonly complaints: string[] = [];
  #browser?: Browser;

  /** Of the house it is told where the built pages are. */
  constructor(make: (built: string) => House, ...flags: string[]) {
    const built = mkdtempSync(join(tmpdir(), 'page-'));
    this.house = make(built);
    beforeAll(async () => {
      await build({ root, logLevel: 'error', build: { outDir: built, emptyOutDir: true } });
      await this.house.open();
      this.#browser = await launch(...flags);
    }, 120_000);
    afterAll(async () => {
      await this.#browser?.close();
      this.house.close();
      rmSync(built, { recursive: true });
    });
  }

  /** A page on a desk, of this browser unless another is named. */
  async sit(options: BrowserContextOptions = {}, where = this.#browser): Promise<Page> {
    if (where === undefined) throw new Error('there is no browser yet');
    const viewport = { width: 1280, height: 800 };
    const page = await where.newPage({ viewport, reducedMotion: 'reduce', ...options });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      const isStranger = protocol !== 'blob:' && protocol !== 'data:' && origin !== this.house.address;
      if (isStranger) this.complaints.push(`a stranger: ${request.url()}`);
    });
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) this.complaints.push(message.text());
    });
    return page;
  }
}

/** The folder that pictures of pages are left in. */
export function album(name: string): string {
  return join(root, '../target/browser', name);
}
