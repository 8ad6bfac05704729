// Small comforts. Every page works without this file.
(() => {
  "use strict";

  // Show or hide what is typed in a password field; hidden again before it is sent.
  for (const control of document.querySelectorAll("[data-reveal]")) {
    const input = control.querySelector("input");
    const button = document.createElement("button");
    const set = (shown) => {
      input.type = shown ? "text" : "password";
      button.textContent = shown ? control.dataset.conceal : control.dataset.reveal;
      button.setAttribute("aria-label", shown ? control.dataset.concealLabel : control.dataset.revealLabel);
    };
    button.type = "button";
    button.className = "reveal";
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => set(input.type === "password"));
    input.form?.addEventListener("submit", () => set(false));
    set(false);
    control.append(button);
    control.classList.add("can-reveal");
  }

  // A second click on a slow form sends nothing more.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    // A reply that leaves the page in place (a download, a lost connection) must not lock the form.
    setTimeout(() => form.removeAttribute("aria-busy"), 8000);
  });
  // Back to a page kept in memory: its forms are free again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll('form[aria-busy="true"]')) form.removeAttribute("aria-busy");
  });

  // Copy buttons, where the browser lets us write to the clipboard.
  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      const label = button.textContent;
      button.hidden = false;
      button.setAttribute("aria-live", "polite");
      button.addEventListener("click", async () => {
        const source = document.getElementById(button.dataset.copy);
        try {
          await navigator.clipboard.writeText(source.textContent);
        } catch {
          getSelection().selectAllChildren(source); // refused: select it, so that the keyboard can copy
          return;
        }
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = label; }, 2000);
      });
    }
  }
})();
