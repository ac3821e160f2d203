/** What a form does when it is sent: once at a time, for pressing Enter twice is meant once. */

/** @param {HTMLElement} form @param {() => Promise<unknown>} act */
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
