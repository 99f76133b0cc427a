import type { HlsConfig, Loader, LoaderCallbacks, LoaderContext } from 'hls.js';
import { describe, expect, it } from 'vitest';

import { patient, whenWhole } from '../../src/patience';

const URL_ = 'https://house/p/s/source/index.m3u8';
const HEAD = '#EXTM3U\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0\n#EXT-X-MEDIA-SEQUENCE:7\n';
const PARTS = `${HEAD}#EXT-X-PART:DURATION=0.3,URI="p0.m4s"\n`;
const WHOLE = `${PARTS}#EXTINF:2,\ns7.m4s\n`;

/** Answers each address once, at once; keeps what was asked for. */
function house(answers: Record<string, string | number>) {
  const asked: string[] = [];
  const Base = class {
    context: LoaderContext | null = null;
    stats = {} as Loader<LoaderContext>['stats'];
    load(context: LoaderContext, _: unknown, callbacks: LoaderCallbacks<LoaderContext>): void {
      asked.push(context.url);
      const data = answers[context.url] ?? 404;
      if (typeof data === 'string') callbacks.onSuccess({ url: context.url, data }, this.stats, context, null);
      else callbacks.onError({ code: data, text: '' }, context, null, this.stats);
    }
    abort(): void {}
    destroy(): void {}
  };
  const load = (url: string): unknown => {
    const context = { url, responseType: '' } as LoaderContext;
    let got: unknown = null;
    const same = (other: LoaderContext, what: unknown) => { got = other === context ? what : 'another context'; };
    new (patient(Base))({} as HlsConfig).load(context, {} as never, {
      onSuccess: (response, _, of) => same(of, response),
      onError: (error, of) => same(of, error.code),
      onTimeout: () => {},
    });
    return got;
  };
  return { asked, load };
}

describe('playlists of a show that has just begun', () => {
  it('are waited for until a segment is whole', () => {
    const { asked, load } = house({ [URL_]: PARTS, [`${URL_}?_HLS_msn=7`]: WHOLE });
    expect(load(URL_)).toEqual({ url: URL_, data: WHOLE });
    expect(asked).toEqual([URL_, `${URL_}?_HLS_msn=7`]);
  });

  it('fail as any other does', () => {
    const { load } = house({ [URL_]: PARTS, [`${URL_}?_HLS_msn=7`]: 503 });
    expect(load(URL_)).toBe(503);
    expect(load('https://house/other.m3u8')).toBe(404);
  });

  it('are not asked for twice where there is no use in it', () => {
    const ended = `${PARTS}#EXT-X-ENDLIST\n`;
    const unwilling = PARTS.replace('CAN-BLOCK-RELOAD=YES,', '');
    for (const text of [WHOLE, ended, unwilling, HEAD, '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nsource/index.m3u8\n']) {
      expect(whenWhole(URL_, text)).toBeNull();
      const { asked, load } = house({ [URL_]: text });
      expect(load(URL_)).toEqual({ url: URL_, data: text });
      expect(asked).toHaveLength(1);
    }
  });

  it('keep what else stands in their address', () => {
    expect(whenWhole(`${URL_}?a=1&_HLS_msn=7&_HLS_part=2`, PARTS)).toBe(`${URL_}?a=1&_HLS_msn=7`);
  });
});
