// A form with data-confirm="what it cuts" asks once before it is sent. Without scripts it leads to a page that asks.

/** Have such forms ask, those that come later too. */
export function confirmations() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    ask(form.dataset.confirm, wordOf(event.submitter), () => {
      form.dataset.confirmed = "yes"; // the page that follows has forms of its own
      form.requestSubmit(event.submitter);
      delete form.dataset.confirmed;
    });
  });
}

/** @param {HTMLElement|null} button */
function wordOf(button) {
  return button?.textContent?.trim().replace(/…$/, "") || "Yes";
}

/**
 * Ask, and go on only when that is wanted.
 * @param {string} text
 * @param {string} word of the button that goes on
 * @param {() => void} goOn
 */
function ask(text, word, goOn) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const said = document.createElement("p");
  said.id = "ask-text";
  said.textContent = text;
  dialog.setAttribute("aria-labelledby", said.id);
  const buttons = document.createElement("form");
  buttons.method = "dialog";
  for (const [label, value] of [["Cancel", ""], [word, "yes"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.textContent = label;
    if (value) button.className = "danger";
    else button.autofocus = true;
    buttons.append(button, " ");
  }
  dialog.append(said, buttons);
  dialog.addEventListener("close", () => {
    dialog.remove(); // and the focus is where it was
    if (dialog.returnValue === "yes") goOn();
  });
  document.body.append(dialog);
  dialog.showModal();
}
