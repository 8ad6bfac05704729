// Where the API is and how it is asked, for every script of the page.
import deployment from "./deployment.js";

/** The address of the API, by the host name under which the page was opened. */
export function uriFor(hostname, { port, deployed } = deployment) {
  // Each name of this machine asks under the same name: cookies of `localhost` are not those of `127.0.0.1`.
  return ["localhost", "127.0.0.1"].includes(hostname) ? `http://${hostname}:${port}` : deployed;
}

export const apiURI = uriFor(location.hostname);

/** What every request begins with. */
export const fetchOptions = Object.freeze({
  method: "GET",
  mode: "cors",
  cache: "default",
  credentials: "include",
  headers: Object.freeze({ "Content-Type": "application/json", "X-Origin": "client" }),
});

/**
 * Sends credentials and says in an element how it went; calls back once if they were right.
 *
 * options: url, body, callback, message (id of the element), and method and cache where they are others than POST, no-cache.
 */
export async function loginUser({ url, body, callback, message, method = "POST", cache = "no-cache" }) {
  const say = (text) => {
    document.getElementById(message).textContent = text;
  };
  say("");
  let response;
  try {
    response = await fetch(url, { ...fetchOptions, method, cache, body: JSON.stringify(body) });
  } catch (error) {
    say(`Possible CORS or service down error: ${error}`);
    return false;
  }
  if (!response.ok) {
    say(`Login error: ${response.status}`);
    return false;
  }
  say(`Success: ${body.uid ?? body.email}`);
  callback?.();
  return true;
}
