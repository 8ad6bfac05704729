// Requests to the API. The session is a cookie that scripts cannot read; what changes something also sends a token, which
// no other site knows.
import { apiURI, fetchOptions, loginUser } from "./config.js";

const accounts = `${apiURI}/api/accounts`;

/** A request that was answered with an error, or not at all. */
export class Refused extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { ...fetchOptions, ...options });
  } catch (error) {
    throw new Refused(`Possible CORS or service down error: ${error}`, 0);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    const said = body.response?.errors?.join(" ");
    throw new Refused(said || `Database response error: ${response.status}`, response.status);
  }
  return body;
}

/** The token belongs to the session, which changes at sign-in; so it is asked for whenever it is needed. */
async function csrfToken() {
  return (await ask(`${accounts}/login`)).response.csrf_token;
}

async function post(url, fields) {
  const body = JSON.stringify({ ...fields, csrf_token: await csrfToken() });
  return ask(url, { method: "POST", cache: "no-cache", body });
}

export const me = () => ask(`${apiURI}/api/me`);
export const people = () => ask(`${apiURI}/api/person/`);
export const signUp = (email, password) =>
  post(`${accounts}/register`, { email, password, password_confirm: password });
export const signOut = () => post(`${accounts}/logout`, {});

/** Signs in and says in the element `message` how it went. */
export async function signIn(email, password, message, callback) {
  const body = { email, password, csrf_token: await csrfToken() };
  return loginUser({ url: `${accounts}/login`, body, message, callback });
}
