// Passkeys: hands what the server asks for to the browser, and what the authenticator answers back to the server.
(() => {
  "use strict";

  // base64url without padding, as the server writes bytes
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const withBytes = (list) => (list ?? []).map((credential) => ({ ...credential, id: toBytes(credential.id) }));

  // What both kinds of answer have in common.
  const common = (credential) => ({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  });

  const handleRegister = async (options, more) => {
    const publicKey = {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: withBytes(options.excludeCredentials),
    };
    const credential = await navigator.credentials.create({ publicKey, ...more });
    const { response } = credential;
    return {
      ...common(credential),
      extensions: JSON.stringify(credential.getClientExtensionResults()),
      response: {
        attestationObject: toText(response.attestationObject),
        clientDataJSON: toText(response.clientDataJSON),
        transports: response.getTransports ? response.getTransports() : null,
      },
    };
  };

  const handleSignin = async (options, more) => {
    const publicKey = {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: withBytes(options.allowCredentials),
    };
    const credential = await navigator.credentials.get({ publicKey, ...more });
    const { response } = credential;
    return {
      ...common(credential),
      response: {
        authenticatorData: toText(response.authenticatorData),
        clientDataJSON: toText(response.clientDataJSON),
        signature: toText(response.signature),
        userHandle: response.userHandle ? toText(response.userHandle) : null,
      },
    };
  };

  const supported = Boolean(window.PublicKeyCredential && navigator.credentials);
  const send = (form, credential) => {
    form.elements.namedItem("credential").value = JSON.stringify(credential);
    form.requestSubmit();
  };

  // The second step: asks at once, and again at each click of the button.
  const step = document.querySelector("script[data-passkey]");
  if (step) {
    const form = step.closest("form");
    const button = form.querySelector("button[data-ask]");
    const note = document.getElementById("wan-errors");
    const [, name, json] = /^\s*(\w+)\('([^']*)'\)\s*$/.exec(step.textContent);
    const ask = async () => {
      button.disabled = true;
      note.hidden = true;
      try {
        const work = name === "handleRegister" ? handleRegister : handleSignin;
        send(form, await work(JSON.parse(json)));
      } catch (error) {
        const texts = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known" };
        note.textContent = note.dataset[texts[error.name]] ?? note.dataset.failed;
        note.hidden = false;
        button.disabled = false;
      }
    };
    button.addEventListener("click", ask);
    button.hidden = !supported;
    if (supported) {
      ask();
    } else {
      note.textContent = note.dataset.unsupported;
      note.hidden = false;
    }
  }

  // Passkeys among what the browser offers to fill in, on the sign-in page. What the server asks for grows old, so it is
  // fetched again before that, as long as somebody looks at the page.
  const autofill = document.getElementById("passkey-autofill");
  let leaving = false;
  let round = new AbortController();
  let timer;
  const rest = () => {
    clearTimeout(timer);
    round.abort();
  };
  const offer = async () => {
    rest();
    if (leaving || document.hidden) return;
    round = new AbortController();
    const { signal } = round;
    try {
      const reply = await fetch(autofill.dataset.begin, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(new FormData(autofill)),
        credentials: "same-origin",
        signal,
      });
      if (!reply.ok) return;
      const { credential_options: options, wan_state: state } = (await reply.json()).response;
      timer = setTimeout(offer, Number(autofill.dataset.within) * 800);
      const credential = await handleSignin(options, { mediation: "conditional", signal });
      clearTimeout(timer);
      const to = new URL(autofill.dataset.begin, location.href);
      to.pathname = to.pathname.endsWith("/") ? `${to.pathname}${state}/` : `${to.pathname}/${state}`;
      autofill.action = to.href;
      autofill.elements.namedItem("remember").value = document.getElementById("remember")?.checked ? "y" : "";
      send(autofill, credential);
    } catch {
      // given up, or nothing to offer: the page has other ways in
    }
  };
  if (autofill && supported && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((available) => {
      if (!available) return;
      // A reply that comes after another sign-in has begun must not touch the session.
      document.addEventListener("submit", () => { leaving = true; rest(); });
      window.addEventListener("pageshow", (event) => {
        if (!event.persisted) return;
        leaving = false;
        offer();
      });
      document.addEventListener("visibilitychange", () => (document.hidden ? rest() : offer()));
      offer();
    });
  }
})();
