//! Uploads a file by tus-js-client, as a page would, and prints the upload's address.
//!
//! In: the endpoint, the credential, the file, what to do: `resume`, `parallel` or `deferred`. Out: the address, or an error and exit code 1.

import { createReadStream, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import * as tus from 'tus-js-client';

const [endpoint, token, file, what] = process.argv.slice(2);
const bytes = statSync(file).size;

/** One attempt, until it is done or `until` bytes were acknowledged. */
function attempt(options, until = Infinity) {
  return new Promise((done, failed) => {
    const upload = new tus.Upload(options.source ?? createReadStream(file), {
      endpoint,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { filename: basename(file) },
      retryDelays: [0, 500, 1000],
      onError: failed,
      onSuccess: () => done(upload.url),
      onChunkComplete: (_, accepted) => {
        if (accepted < until) return;
        upload.abort(false).then(() => done(upload.url), failed);
      },
      ...options.tus,
    });
    upload.start();
  });
}

async function run() {
  const chunkSize = 1 << 20;
  if (what === 'parallel') {
    // Parts, which are concatenated.
    return attempt({ source: readFileSync(file), tus: { parallelUploads: 3 } });
  }
  if (what === 'deferred') {
    return attempt({ source: readFileSync(file), tus: { uploadLengthDeferred: true, chunkSize } });
  }
  // Paused after a chunk; another process, as after a reload, goes on by the address.
  const uploadUrl = await attempt({ tus: { chunkSize, uploadSize: bytes } }, chunkSize);
  return attempt({ tus: { chunkSize, uploadSize: bytes, uploadUrl } });
}

run().then(
  (url) => console.log(url),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
