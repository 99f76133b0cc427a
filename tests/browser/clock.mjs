//! Glass to glass: the clock strip of the test pattern, read from the frames the browser shows.
//!
//! In: a playing video. Out: how long ago each frame's clock was taken. Does not know the player. The strip's layout is
//! documented, and drawn, in origin/pattern/src/picture/strip.rs.

/** Runs inside the page. Looks at one shown frame in three, for so many seconds. */
export function measure(seconds) {
  const [CELLS, TIME_BITS, ROWS] = [48, 42, 18];
  const video = document.querySelector('video');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });

  const crc4 = (bits) => bits.reduce((crc, bit) => {
    const high = ((crc >> 3) & 1) ^ bit;
    return ((crc << 1) & 15) ^ (high ? 3 : 0);
  }, 0);

  function readClock() {
    const { videoWidth: width, videoHeight: height } = video;
    const tall = Math.floor(height / ROWS);
    canvas.width = width;
    canvas.height = tall;
    context.drawImage(video, 0, height - tall, width, tall, 0, 0, width, tall);
    const { data } = context.getImageData(0, tall >> 1, width, 1);
    const levels = Array.from({ length: CELLS }, (_, cell) => {
      const [x, right] = [cell, cell + 1].map((edge) => Math.floor((edge * width) / CELLS));
      let sum = 0;
      const inner = [x + ((right - x) >> 2), right - ((right - x) >> 2)];
      for (let at = inner[0]; at < inner[1]; at += 1) sum += data[at * 4 + 1];
      return sum / (inner[1] - inner[0]);
    });
    const [white, black] = levels;
    if (white - black < 80) return null;
    const bits = levels.map((level) => (level > (white + black) / 2 ? 1 : 0));
    const time = bits.slice(2, 2 + TIME_BITS);
    const check = bits.slice(2 + TIME_BITS).reduce((value, bit) => value * 2 + bit, 0);
    return check === crc4(time) ? time.reduce((value, bit) => value * 2 + bit, 0) : null;
  }

  return new Promise((done) => {
    const start = { at: performance.now(), stalls: window.matinee.stalls, time: video.currentTime };
    const dropped = () => video.getVideoPlaybackQuality().droppedVideoFrames;
    const before = dropped();
    const result = { delaysMs: [], unread: 0, frames: 0, gapMsMax: 0 };
    let last = start.at;
    const finish = () => done({
      ...result,
      gapMsMax: Math.max(result.gapMsMax, performance.now() - last),
      stalls: window.matinee.stalls - start.stalls,
      played: video.currentTime - start.time,
      dropped: dropped() - before,
    });
    video.requestVideoFrameCallback(function look(now) {
      result.frames += 1;
      result.gapMsMax = Math.max(result.gapMsMax, now - last);
      last = now;
      if (result.frames % 3 === 0) {
        const shown = Date.now();
        const clock = readClock();
        if (clock === null) result.unread += 1;
        else result.delaysMs.push(shown - clock);
      }
      if (now - start.at < seconds * 1000) video.requestVideoFrameCallback(look);
    });
    // Not by frames alone: a picture that stands shows none.
    setTimeout(finish, seconds * 1000 + 200);
  });
}
