import { describe, expect, it } from 'vitest';
import { lacksPart, type PartSeen } from '../../src/seam';

/** Parts of segment 7: three of a third of a second, and a sliver. */
function parts(...loaded: boolean[]): PartSeen[] {
  const ends = [14.32, 14.64, 14.96, 15.002];
  return ends.map((end, at) => ({ fragment: { sn: 7 }, end, loaded: loaded[at] ?? false, gap: false }));
}

describe('a segment whose last part came while the one before was loaded', () => {
  it('is not whole, though it lacks less than is tolerated', () => {
    expect(lacksPart(parts(true, true, true, false), 7, 14.96)).toBe(true);
    expect(lacksPart(parts(true, true, true, true), 7, 14.96)).toBe(false);
  });

  it('lacks nothing that is behind the buffer, or of another segment', () => {
    expect(lacksPart(parts(false, false, true, true), 7, 15.002)).toBe(false);
    expect(lacksPart(parts(true, true, true, false), 8, 14.96)).toBe(false);
    expect(lacksPart([], 7, 14.96)).toBe(false);
  });

  it('does not wait for what is said to be missing', () => {
    const gap = parts(true, true, true, false).map((part) => ({ ...part, gap: !part.loaded }));
    expect(lacksPart(gap, 7, 14.96)).toBe(false);
  });
});
