/** What a form does when it is sent, and what stands in its box then. */

/** Once at a time, for pressing Enter twice is meant once. @param {HTMLElement} form @param {() => Promise<unknown>} act */
export function onSubmit(form, act) {
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    try {
      await act();
    } finally {
      isBusy = false;
    }
  });
}

const LASTS_MS = 2000;

/**
 * What `sent` becomes; where that lasts it is told, more than once. @template T @param {Promise<T>} sent @param {() => void} tell
 * @returns {Promise<T>}
 */
export async function lasts(sent, tell) {
  const timer = setInterval(tell, LASTS_MS);
  try {
    return await sent;
  } finally {
    clearInterval(timer);
  }
}

/** Of what is written that which was not said: one may have written on meanwhile. @param {string} written @param {string} said */
export function beyond(written, said) {
  const text = written.trimStart();
  const rest = text.slice(said.length);
  return text.startsWith(said) && /^(\s|$)/.test(rest) ? rest.trimStart() : written;
}

/** What was not taken, before what was written meanwhile. @param {string} said @param {string} written */
export function rejoined(said, written) {
  return ["", said].includes(written.trim()) ? said : `${said} ${written}`;
}

/** One writes on where one was: what comes or goes stands before that. @param {HTMLInputElement | HTMLTextAreaElement} box @param {string} text */
export function rewrite(box, text) {
  const [from, to] = [box.selectionStart ?? 0, box.selectionEnd ?? 0];
  const by = text.length - box.value.length;
  box.value = text;
  box.setSelectionRange(Math.max(0, from + by), Math.max(0, to + by));
}
