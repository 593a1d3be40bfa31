// Solves the form's challenge (https://altcha.org) while the visitor types, and fills in the solution.
for (const box of document.querySelectorAll("[data-challenge]")) {
  const challenge = JSON.parse(box.dataset.challenge);
  const field = box.querySelector("input");
  const status = box.querySelector("[role=status]");
  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const solve = async () => {
    const encode = (text) => new TextEncoder().encode(text);
    for (let number = 0; number <= challenge.maxNumber; number += 1) {
      const hash = await crypto.subtle.digest(challenge.algorithm, encode(challenge.salt + number));
      if (hex(hash) === challenge.challenge) return number;
    }
    throw new Error("no solution");
  };
  solve().then((number) => {
    const { algorithm, challenge: hash, salt, signature } = challenge;
    field.value = btoa(JSON.stringify({ algorithm, challenge: hash, number, salt, signature }));
    status.textContent = box.dataset.done;
  });
}
