// Requests to the API. Who is signed in is said by a cookie that scripts cannot read, of a session or with a token; what
// changes something also sends a CSRF token, which no other site knows.
import { apiURI, fetchOptions, loginUser } from "./config.js";
import deployment from "./deployment.js";

const accounts = `${apiURI}/api/accounts`;
const byJwt = deployment.by === "jwt";

/** A request that was answered with an error, or not at all. */
export class Refused extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

async function ask(url, options = () => ({}), again = byJwt) {
  let response;
  try {
    response = await fetch(url, { ...fetchOptions, ...options() });
  } catch (error) {
    throw new Refused(`Possible CORS or service down error: ${error}`, 0);
  }
  if (response.status === 401 && again && (await refresh())) return ask(url, options, false);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    const said = body.response?.errors?.join(" ");
    throw new Refused(said || `Database response error: ${response.status}`, response.status);
  }
  return body;
}

/** With JSON Web Tokens the CSRF tokens are in cookies, which this page reads because it is of the same site. */
function meant(cookie) {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${cookie}=`));
  const token = found?.slice(cookie.length + 1);
  return token && { method: "POST", headers: { ...fetchOptions.headers, "X-CSRF-TOKEN": token } };
}

/** An access token lives for minutes. The refresh token gets the next one, and nobody notices. */
async function refresh() {
  const options = meant("csrf_refresh_token");
  if (!options) return false;
  const response = await fetch(`${accounts}/jwt/refresh`, { ...fetchOptions, ...options }).catch(() => null);
  return response?.ok ?? false;
}

/** The token belongs to the session, which changes at sign-in; so it is asked for whenever it is needed. */
async function csrfToken() {
  return (await ask(`${accounts}/login`)).response.csrf_token;
}

async function post(url, fields) {
  const body = JSON.stringify({ ...fields, csrf_token: await csrfToken() });
  return ask(url, () => ({ method: "POST", cache: "no-cache", body }), false);
}

export const me = () => ask(`${apiURI}/api/me`);
export const people = () => ask(`${apiURI}/api/person/`);
export const signUp = (email, password) =>
  post(`${accounts}/register`, { email, password, password_confirm: password });
export const signOut = () =>
  byJwt ? ask(`${accounts}/jwt/logout`, () => meant("csrf_access_token")) : post(`${accounts}/logout`, {});

/** Signs in and says in the element `message` how it went. */
export async function signIn(email, password, message, callback) {
  if (byJwt) return loginUser({ url: `${accounts}/authenticate`, body: { uid: email, password }, message, callback });
  const body = { email, password, csrf_token: await csrfToken() };
  return loginUser({ url: `${accounts}/login`, body, message, callback });
}
