"use strict";
// What moves while an issue goes out, on Home and at its desk.
const moving = {
  paint(from, facts) {
    const bar = from.querySelector("[data-parts]");
    if (bar) {
      bar.setAttribute("aria-valuenow", facts.percent);
      for (const part of facts.parts) {
        const drawn = bar.querySelector(`[data-part="${part.name}"]`);
        drawn.setAttribute("x", part.begins);
        drawn.setAttribute("width", part.width);
      }
    }
    const pace = from.querySelector("[data-pace]");
    if (pace) pace.textContent = facts.per_second ? `${facts.per_second.toLocaleString()} a second; done about ${facts.ends_at}` : "";
  },
};
