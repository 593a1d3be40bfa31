"use strict";
// The setup works without this; with it, the brand is seen while it is typed, and waiting shows.
(() => {
  const setup = document.querySelector("[data-setup]");
  if (!setup) return;
  const all = (query) => [...setup.querySelectorAll(query)];
  const field = (name) => setup.querySelector(`[name="${name}"]`);

  // --- the zone that the browser is in, where nobody has chosen one
  const zone = setup.querySelector("[data-zone-for]");
  if (zone) {
    const select = document.getElementById(zone.dataset.zoneFor);
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const there = [...select.options].some((option) => option.value === here);
    if (there && select.value === "UTC") select.value = here;
  }

  // --- how the brand looks
  const looks = setup.querySelector("[data-looks]");
  if (looks) {
    const paint = () => {
      const name = field("name").value || "Your publication";
      const logo = field("logo_url").value.trim();
      looks.querySelector(".setup-look-light").style.setProperty("--accent", field("accent").value);
      looks.querySelector(".setup-look-dark").style.setProperty("--accent", field("accent_dark").value);
      for (const cell of all("[data-name]")) cell.textContent = name;
      for (const foot of all("[data-foot]")) foot.textContent = field("postal_address").value;
      for (const image of all("[data-logo]")) {
        if (image.dataset.shown === logo) continue;
        image.dataset.shown = logo;
        image.hidden = true;
        image.nextElementSibling.hidden = false;
        looks.querySelector("[data-logo-wrong]").hidden = true;
        if (/^https?:\/\//.test(logo)) image.src = logo; else image.removeAttribute("src");
      }
    };
    for (const image of all("[data-logo]")) {
      image.addEventListener("load", () => { image.hidden = false; image.nextElementSibling.hidden = true; });
      image.addEventListener("error", () => {
        image.hidden = true;
        looks.querySelector("[data-logo-wrong]").hidden = false;
      });
    }
    looks.hidden = false;
    setup.addEventListener("input", (event) => { if (event.target.name !== "logo_url") paint(); });
    field("logo_url").addEventListener("change", paint);
    paint();
  }

  // --- the usual port of an encryption
  const security = field("security");
  if (security) {
    const ports = { starttls: "587", tls: "465", none: "25" };
    const port = field("port");
    const usual = () => { if (!port.value || Object.values(ports).includes(port.value)) port.value = ports[security.value]; };
    security.addEventListener("change", usual);
    if (!port.value) usual();
  }

  // --- the mail: phone and desktop, light and dark
  const mail = setup.querySelector("[data-mail]");
  if (mail) {
    setup.querySelector("[data-turns]").hidden = false;
    for (const button of all("[data-frame]")) button.addEventListener("click", () => {
      mail.classList.toggle("setup-phone", button.dataset.frame === "phone");
      for (const other of all("[data-frame]")) other.setAttribute("aria-pressed", String(other === button));
    });
    const dark = setup.querySelector("[data-frame-dark]");
    dark.addEventListener("click", () => {
      const pressed = mail.classList.toggle("setup-dark");
      dark.setAttribute("aria-pressed", String(pressed));
      mail.src = mail.src.replace(/scheme=\w+/, `scheme=${pressed ? "dark" : "light"}`);
    });
  }

  // --- what takes a while
  for (const place of all("[data-load]")) {
    fetch(place.dataset.load, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status)))))
      .then((text) => { place.innerHTML = text; })
      .catch(() => { place.textContent = "DNS cannot be asked now. This page can be opened again at any time."; });
  }
  setup.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.dataset.busy) return;
    setTimeout(() => { button.disabled = true; button.textContent = button.dataset.busy; });
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  setup.querySelector(".setup-field-wrong input, .setup-field-wrong textarea, .setup-field-wrong select")?.focus();
})();
