//! Playlists of a show that has just begun, as hls.js can use them.
//!
//! In: a class that loads. Out: one that loads the same, but of a live playlist that lists only parts the next version
//! with a whole segment. Does not know the player.
//!
//! A house lists the first part a moment after a show begins, and the first segment a GOP later. hls.js 1.7.4 takes a
//! playlist without a whole segment for an empty one, and asks again only after its retry delays, which are longer.
//! So the segment is waited for as the playlist allows it, by `_HLS_msn` (rfc8216bis 6.2.5.2).

import type {
  HlsConfig, Loader, LoaderCallbacks, LoaderConfiguration, LoaderContext, LoaderResponse, LoaderStats,
} from 'hls.js';

type LoaderClass = new (config: HlsConfig) => Loader<LoaderContext>;

/** Where a live playlist without a whole segment is to be had with one; null if this one is not of that sort. */
export function whenWhole(url: string, playlist: string): string | null {
  const lacksSegments = /^#EXT-X-PART:/m.test(playlist) && !/^#EXTINF:/m.test(playlist);
  const waits = /^#EXT-X-SERVER-CONTROL:.*\bCAN-BLOCK-RELOAD=YES/m.test(playlist);
  if (!lacksSegments || !waits || /^#EXT-X-(ENDLIST|SKIP)/m.test(playlist)) return null;
  const next = new URL(url, globalThis.location?.href);
  next.searchParams.delete('_HLS_part');
  next.searchParams.set('_HLS_msn', /^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(playlist)?.[1] ?? '0');
  return next.href;
}

/** A class for hls.js's `pLoader`. */
export function patient(Base: LoaderClass): LoaderClass {
  return class implements Loader<LoaderContext> {
    private loader: Loader<LoaderContext>;

    constructor(private readonly config: HlsConfig) {
      this.loader = new Base(config);
    }

    get context(): LoaderContext | null { return this.loader.context; }
    get stats(): LoaderStats { return this.loader.stats; }

    load(context: LoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<LoaderContext>): void {
      const onSuccess: typeof callbacks.onSuccess = (response, stats, _, details) => {
        const { data } = response;
        const whole = typeof data === 'string' ? whenWhole(response.url || context.url, data) : null;
        if (whole === null) callbacks.onSuccess(response, stats, context, details);
        else this.loadWhole(whole, response, context, config, callbacks);
      };
      this.loader.load(context, config, { ...callbacks, onSuccess });
    }

    /** Once: what comes of it is what hls.js gets, as if it had come from where the first came from. */
    private loadWhole(
      url: string,
      first: LoaderResponse,
      context: LoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      this.loader.destroy();
      this.loader = new Base(this.config);
      this.loader.load({ ...context, url }, config, {
        ...callbacks,
        onSuccess: (response, stats, _, details) => {
          callbacks.onSuccess({ ...response, url: first.url }, stats, context, details);
        },
        onError: (error, _, details, stats) => callbacks.onError(error, context, details, stats),
        onTimeout: (stats, _, details) => callbacks.onTimeout(stats, context, details),
      });
    }

    abort(): void { this.loader.abort(); }
    destroy(): void { this.loader.destroy(); }
    getCacheAge(): number | null { return this.loader.getCacheAge?.() ?? null; }
    getResponseHeader(name: string): string | null { return this.loader.getResponseHeader?.(name) ?? null; }
  };
}
