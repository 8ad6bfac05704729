// Finds operations by what is typed. The list is complete without this file.
(() => {
  "use strict";

  const place = document.querySelector(".api-find");
  const operations = [...document.querySelectorAll(".api-operation")];
  if (!place || !operations.length) return;

  const field = document.createElement("div");
  field.className = "field";
  const label = document.createElement("label");
  label.htmlFor = "api-find";
  label.textContent = place.dataset.label;
  const control = document.createElement("div");
  control.className = "control";
  const input = document.createElement("input");
  Object.assign(input, { id: "api-find", name: "find", type: "search", autocomplete: "off", spellcheck: false });
  control.append(input);
  field.append(label, control);
  const none = document.createElement("p");
  none.className = "lead";
  none.setAttribute("role", "status");
  place.append(field, none);

  const texts = operations.map((operation) => operation.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    operations.forEach((operation, at) => {
      operation.hidden = !words.every((word) => texts[at].includes(word));
      found += operation.hidden ? 0 : 1;
    });
    for (const group of document.querySelectorAll(".api")) {
      group.hidden = !group.querySelector(".api-operation:not([hidden])");
    }
    none.textContent = found ? "" : place.dataset.none;
  });

  // A link to an operation opens it.
  const open = () => {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (named?.matches(".api-operation")) named.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
