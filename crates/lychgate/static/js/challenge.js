// The calculation that some forms ask for: numbers that make SHA-256 hashes begin with zero bits. It runs in a worker, which
// is this file too, or in small steps where the page may have none.
(() => {
  "use strict";

  // SHA-256 (FIPS 180-4) of a text of at most 55 ASCII characters, as its first 32 bits: that is all that is looked at.
  const K = new Int32Array(64);
  const START = new Int32Array(8);
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
  const block = new Uint8Array(64);
  const W = new Int32Array(64);
  const hash = (text) => {
    block.fill(0);
    for (let i = 0; i < text.length; i++) block[i] = text.charCodeAt(i);
    block[text.length] = 0x80;
    block[62] = (text.length * 8) >> 8;
    block[63] = (text.length * 8) & 255;
    for (let i = 0; i < 16; i++) {
      W[i] = (block[4 * i] << 24) | (block[4 * i + 1] << 16) | (block[4 * i + 2] << 8) | block[4 * i + 3];
    }
    for (let i = 16; i < 64; i++) {
      const a = W[i - 15], b = W[i - 2];
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
      W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = START;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    return (START[0] + a) | 0;
  };

  // Finds the numbers, so many hashes at a call; null until all are there.
  const search = ({ seed, bits, pieces }) => {
    const numbers = [];
    let next = 0;
    return (most) => {
      for (let i = 0; i < most && numbers.length < pieces; i++, next++) {
        if (Math.clz32(hash(`${seed}.${numbers.length}.${next}`)) >= bits) {
          numbers.push(next);
          next = -1;
        }
      }
      return { done: numbers.length / pieces, solution: numbers.length === pieces ? numbers.join(",") : null };
    };
  };

  if (typeof document === "undefined") {
    addEventListener("message", ({ data }) => {
      const step = search(data);
      let state;
      do {
        state = step(20000);
        postMessage(state);
      } while (state.solution === null);
    });
    return;
  }

  const source = document.currentScript?.src;

  const inWorker = (work, told) => new Promise((resolve, reject) => {
    const worker = new Worker(source);
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      reject(new Error("no worker"));
    });
    worker.addEventListener("message", ({ data }) => {
      told(data.done);
      if (data.solution === null) return;
      worker.terminate();
      resolve(data.solution);
    });
    worker.postMessage(work);
  });

  const inSteps = async (work, told) => {
    const step = search(work);
    for (;;) {
      const { done, solution } = step(4000);
      told(done);
      if (solution !== null) return solution;
      await new Promise((resolve) => { setTimeout(resolve); });
    }
  };

  const solve = async (work, told) => {
    try {
      return await inWorker(work, told);
    } catch {
      return inSteps(work, told);
    }
  };

  // The script may stand on a page more than once.
  for (const part of document.querySelectorAll("[data-challenge]:not([data-ready])")) {
    part.dataset.ready = "";
    const form = part.closest("form");
    const token = part.querySelector("[name=challenge]");
    const solution = part.querySelector("[name=challenge_solution]");
    const status = part.querySelector("[role=status]");
    const progress = part.querySelector("progress");
    let { seed } = part.dataset;
    let bits = Number(part.dataset.bits);
    let served = Date.now();
    let working = null;

    // The bar belongs beside the button.
    form.querySelector("[type=submit]")?.before(part);

    const isOld = () => Date.now() - served > Number(part.dataset.lasts) * 800;

    const work = async () => {
      if (isOld()) {
        const reply = await fetch(part.dataset.url, { headers: { accept: "application/json" } });
        const { challenge } = (await reply.json()).response;
        token.value = challenge.token;
        ({ seed, bits } = challenge);
        served = Date.now();
      }
      solution.value = "";
      progress.hidden = false;
      solution.value = await solve({ seed, bits, pieces: Number(part.dataset.pieces) }, (done) => {
        progress.value = done;
      });
      progress.hidden = true;
      status.textContent = "";
    };
    const begin = () => {
      // Whatever goes wrong, the form is sent, and the server says what it thinks of it.
      working ??= work().catch(() => { progress.hidden = true; });
      return working;
    };

    form.addEventListener("focusin", begin, { once: true });
    if (form.contains(document.activeElement)) begin();
    let leaving = false;
    form.addEventListener("submit", (event) => {
      if (leaving || (solution.value !== "" && !isOld())) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (isOld()) working = null;
      status.textContent = status.dataset.working;
      begin().then(() => {
        leaving = true;
        form.requestSubmit(event.submitter ?? undefined);
        leaving = false;
      });
    }, true);
    // Back to a page kept in memory: its work is used up.
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      solution.value = "";
      served = 0;
      working = null;
    });
  }
})();
