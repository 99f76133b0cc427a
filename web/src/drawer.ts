//! What the browser keeps of a viewer's choices, where it lets a page keep something.
//!
//! In: a name, a choice. Out: the choice, the next time; unchecked. Does not know what is chosen.

/** What was kept under a name; null: nothing, or nothing may be. */
export function kept(name: string): unknown {
  try {
    return JSON.parse(window.localStorage.getItem(name) ?? 'null');
  } catch {
    return null;
  }
}

/** Keeps a choice. */
export function keep(name: string, choice: unknown): void {
  try {
    window.localStorage.setItem(name, JSON.stringify(choice));
  } catch {
    // It holds for as long as the page is open.
  }
}
