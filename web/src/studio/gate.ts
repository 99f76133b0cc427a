//! The studio's door: the administrator's credential, or an account's token.
//!
//! In: the address, what was typed. Out: a credential that the house takes. Does not know what is behind the door.

import { el } from '../dom';
import { button, field, icon } from './draw';
import { House } from './house';
import { refusal, tokenIn } from './words';

/** Where the credential is kept: until the tab is closed, and in no other tab. */
const DRAWER = 'matinee.studio.token';

/** Takes the credential out of the address: what stands there is seen over shoulders and shared by mistake. */
export function tokenInAddress(): string | null {
  const token = tokenIn(location.hash);
  if (location.hash.includes('token=')) history.replaceState(null, '', location.pathname);
  return token;
}

export function keptToken(): string | null {
  return sessionStorage.getItem(DRAWER);
}

export function forgetToken(): void {
  sessionStorage.removeItem(DRAWER);
}

/** Tries a credential; the house if it is let in, else why not. */
export async function knock(token: string): Promise<House | string> {
  // A header takes no other characters (RFC 9110, 5.5); no credential of a house has any.
  if (!/^[\x21-\x7e]+$/.test(token)) return 'This is no credential: copy the one line of admin.token, or an account’s token.';
  const house = new House(token);
  const answer = await house.assets({ q: '', state: '', limit: 1 });
  if ('ok' in answer) {
    sessionStorage.setItem(DRAWER, token);
    return house;
  }
  if ('unreachable' in answer) return 'The house does not answer. Try again in a moment.';
  const { code, detail } = answer.refused;
  if (code !== 'credential_wrong' && code !== 'credential_missing') return refusal(code, detail);
  forgetToken();
  return 'This is not the credential of this house. Copy all of admin.token or of an account’s token, and nothing else.';
}

/** The door; `trouble` says why somebody stands before it. */
export function gate(trouble: string | null, enter: (house: House) => void): HTMLElement {
  const input = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', required: true });
  const go = button('main', 'Open the studio', null);
  const told = el('p', { class: 'trouble', role: 'alert' });
  const tell = (text: string | null) => {
    told.textContent = text;
    told.hidden = text === null;
    input.setAttribute('aria-invalid', String(text !== null));
  };
  const form = el(
    'form',
    { class: 'card gate' },
    icon('key'),
    el('h1', {}, 'Studio'),
    el('p', { class: 'dim' }, 'Upload films and look after them: with an account’s token your own, as the house’s administrator all.'),
    field('Your credential', input, 'An account’s token, or what stands in the file admin.token in the house’s data directory.'),
    told,
    go,
  );
  tell(trouble);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    go.disabled = true;
    void knock(input.value.trim()).then((answer) => {
      go.disabled = false;
      if (answer instanceof House) return enter(answer);
      tell(answer);
      input.select();
    });
  });
  return form;
}
