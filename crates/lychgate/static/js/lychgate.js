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

  // Tick off that a new password is long enough; counted as the server counts, in characters.
  for (const control of document.querySelectorAll("[data-min-length]")) {
    const input = control.querySelector("input");
    const help = document.getElementById(`${input.id}-help`);
    if (!help) continue;
    const check = () => {
      help.classList.toggle("met", [...input.value.normalize("NFKD")].length >= Number(control.dataset.minLength));
    };
    input.addEventListener("input", check);
    check();
  }

  // Say whether the repeated password is the same.
  for (const control of document.querySelectorAll("[data-match]")) {
    const again = control.querySelector("input");
    const first = document.getElementById(control.dataset.match);
    if (!first || document.getElementById(`${again.id}-help`)) continue;
    const note = document.createElement("p");
    note.className = "field-help";
    note.setAttribute("role", "status");
    control.after(note);
    const check = () => {
      const both = first.value !== "" && again.value !== "";
      const same = first.value === again.value;
      const text = !both ? "" : same ? control.dataset.matchYes : control.dataset.matchNo;
      note.classList.toggle("met", both && same);
      note.classList.toggle("differs", both && !same);
      if (note.textContent !== text) note.textContent = text;
    };
    first.addEventListener("input", check);
    again.addEventListener("input", check);
    check();
  }

  // Send a one-time code as soon as all of it is there, typed, pasted or filled in; once.
  for (const control of document.querySelectorAll("[data-code]")) {
    const input = control.querySelector("input");
    const length = Number(control.dataset.code);
    let sent = false;
    input.addEventListener("input", () => {
      const code = input.value.replace(/[\s=-]/g, "");
      if (sent || !new RegExp(`^[0-9]{${length}}$`).test(code)) return;
      sent = true;
      input.form.requestSubmit();
    });
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

  for (const button of document.querySelectorAll("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // Copy buttons, where the browser lets us write to the clipboard.
  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      const label = button.textContent;
      button.hidden = false;
      button.setAttribute("aria-live", "polite");
      button.addEventListener("click", async () => {
        const source = document.getElementById(button.dataset.copy);
        try {
          // A list is copied as one line for each of its items.
          const lines = [...source.querySelectorAll("li")].map((item) => item.textContent.trim());
          await navigator.clipboard.writeText(lines.length ? lines.join("\n") : source.textContent);
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
