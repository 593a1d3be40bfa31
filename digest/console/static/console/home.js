"use strict";
// Numbers that move while something goes out; the page is whole without this.
(() => {
  const home = document.querySelector("[data-home]");
  if (!home || !Number(home.dataset.count)) return;
  setInterval(async () => {
    let facts;
    try {
      const answer = await fetch(home.dataset.home, { credentials: "same-origin" });
      if (!answer.ok) return;
      facts = await answer.json();
    } catch { return; }
    if (facts.going.length !== Number(home.dataset.count)) { location.reload(); return; }
    for (const one of facts.going) {
      const row = home.querySelector(`[data-going="${one.id}"]`);
      if (!row) { location.reload(); return; }
      moving.paint(row, one);
      row.querySelector("[data-settled]").textContent = one.settled.toLocaleString();
      row.querySelector("[data-state]").textContent = one.said;
    }
  }, 2000);
})();
