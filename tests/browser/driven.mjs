//! A Chromium that is told what to do from outside.
//!
//! In: one JSON command a line on standard input. Out: one JSON answer a line on standard output. Does not know the
//! commands.

import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

/** A browser that asks nobody but whom it is told to. */
export function launch(...more) {
  return chromium.launch({
    executablePath: process.env.MATINEE_CHROMIUM,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ...more,
    ],
  });
}

/** Does what it is told, until nobody tells it anything any more. */
export async function obey(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
      const answer = await commands[command.do](command);
      console.log(JSON.stringify({ ok: answer ?? null }));
    } catch (error) {
      console.log(JSON.stringify({ error: String(error) }));
    }
  }
}
