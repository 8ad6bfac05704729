// The page: who is signed in stands in the corner, people who are see the table, the others the way in.
import * as client from "./client.js";

const $ = (id) => document.getElementById(id);
const views = { "#/": "people", "#/sign-in": "sign-in", "#/sign-up": "sign-up" };
const titles = { people: "People", "sign-in": "Sign in", "sign-up": "Create an account" };
let name = null;

function say(text) {
  $("message").textContent = text;
}

function show(view) {
  for (const one of Object.values(views)) $(one).hidden = one !== view;
  $("title").textContent = titles[view];
  document.title = `${titles[view]} – Meadow Press`;
}

function corner() {
  $("strangers").hidden = name !== null;
  $("session").hidden = name === null;
  $("who").textContent = name ?? "";
}

async function showPeople() {
  try {
    const rows = (await client.people()).map((person) => {
      const row = document.createElement("tr");
      for (const [label, value] of [["Name", person.name], ["Email", person.email], ["Age", person.age]]) {
        const cell = document.createElement("td");
        cell.dataset.label = label;
        cell.textContent = value;
        row.append(cell);
      }
      return row;
    });
    $("rows").replaceChildren(...rows);
    show("people");
  } catch (error) {
    // Only whoever is not signed in is asked to; anything else is said.
    if (error.status === 401) location.replace("#/sign-in");
    else say(error.message);
  }
}

async function go() {
  say("");
  const view = views[location.hash] ?? "people";
  if (view === "people") return showPeople();
  show(view);
  $(view).querySelector("input").focus();
}

async function entered() {
  name = (await client.me()).name;
  corner();
  location.hash = "#/";
}

/** Runs what a form does, once at a time, and says what went wrong. */
function on(form, act) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $(form).querySelector("button");
    button.disabled = true;
    say("");
    try {
      await act(Object.fromEntries(new FormData(event.target)), event.target);
    } catch (error) {
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
}

on("sign-in", async ({ email, password }, form) => {
  if (await client.signIn(email, password, "message")) {
    form.reset();
    await entered();
  }
});

on("sign-up", async ({ email, password }, form) => {
  await client.signUp(email, password);
  // What a new account is told is told for an address that has one, too; the password shows whose it is.
  if (await client.signIn(email, password, "message")) {
    form.reset();
    await entered();
  }
});

on("session", async () => {
  await client.signOut();
  name = null;
  corner();
  $("rows").replaceChildren();
  location.hash = "#/sign-in";
});

addEventListener("hashchange", go);
try {
  name = (await client.me()).name;
} catch (error) {
  if (error.status !== 401) say(error.message);
}
corner();
if (!$("message").textContent) await go();
