"use strict";
// unfold looks for its own markup beside every file input, and fails where there is none.
Object.defineProperty(HTMLInputElement.prototype, "hasChangeListener", { value: true });

const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

// Buttons say again what they do.
const wake = (element) => {
  delete element.dataset.sent;
  for (const button of element.querySelectorAll("[data-idle]")) {
    button.disabled = false;
    button.textContent = button.dataset.idle;
    delete button.dataset.idle;
  }
};

// Loaded before Alpine, which starts the components that are registered here.
document.addEventListener("alpine:init", () => {
  // The preview of a mail: `address` is that of its HTML.
  Alpine.data("mailPreview", (address) => ({
    kind: "html", phone: false, dark: false, subscriber: "",
    get src() {
      const query = new URLSearchParams({ scheme: this.dark ? "dark" : "light" });
      if (this.subscriber) query.set("subscriber", this.subscriber);
      return `${address.replace(/html\/$/, `${this.kind}/`)}?${query}`;
    },
  }));

  // What a form describes, drawn while it is filled in: each look is a new frame, which leaves no step in the history.
  // Only what is ours and escaped runs scripts; a mail's frame has a sandbox.
  Alpine.data("formPreview", (address, selector, title, isMail = false) => ({
    phone: false, dark: false, number: 0,
    init() {
      this.form = document.querySelector(selector);
      for (const type of ["input", "change"]) this.form.addEventListener(type, () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.show(), 400); });
      this.$watch("dark", () => this.show());
      this.show();
    },
    show() {
      const frames = this.$refs.frames;
      const frame = make("iframe", { title, name: `preview-${this.number += 1}`, className: this.dark ? "dark-frame" : "", hidden: frames.children.length > 0 });
      if (isMail) frame.setAttribute("sandbox", "");
      frames.append(frame);
      const copy = make("form", { method: "post", action: address, target: frame.name, hidden: true });
      for (const [name, value] of [...new FormData(this.form), ["scheme", this.dark ? "dark" : "light"]]) copy.append(make("input", { type: "hidden", name, value }));
      frame.addEventListener("load", () => { if (!frame.contentWindow) return; frame.hidden = false; while (frames.firstElementChild !== frame) frames.firstElementChild.remove(); });
      document.body.append(copy);
      copy.submit();
      copy.remove();
    },
  }));
});

document.addEventListener("DOMContentLoaded", () => {
  // After a button was pressed, the page opens where it was.
  const key = `scroll:${location.pathname}`;
  const before = Number(sessionStorage.getItem(key));
  sessionStorage.removeItem(key);
  if (before && !location.hash) scrollTo(0, before);

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    // A second press, before the answer to the first, sends nothing.
    if (!event.defaultPrevented && form.getAttribute("method") === "post") {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "1";
      setTimeout(() => { delete form.dataset.sent; }, 10_000);
      // Whoever stays, because something is not saved, may press again.
      addEventListener("beforeunload", (leaving) => leaving.defaultPrevented && setTimeout(wake, 0, form), { once: true });
    }
    sessionStorage.setItem(key, String(scrollY));
    if (submitter?.dataset.busy) setTimeout(() => { submitter.disabled = true; submitter.dataset.idle = submitter.textContent; submitter.textContent = submitter.dataset.busy; });
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => wake(elt));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, ({ detail: { target } }) => { if (target.dataset.error) target.textContent = target.dataset.error; });
  }
  document.querySelector(".field-error :is(input, select, textarea)")?.focus();

  // The browser's time zone, where nobody has chosen one.
  const zone = document.querySelector("[data-browser-zone] select");
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone?.value === "UTC" && zone.querySelector(`[value="${local}"]`)) zone.value = local;
});

// A panel opens to the left of its button, and to the right where it would lie under the menu.
const place = (target) => {
  const panel = target.matches(".confirm[open]") && target.querySelector(".confirm-panel");
  const content = target.closest(".console");
  if (!panel || !content) return;
  panel.classList.remove("confirm-left");
  panel.classList.toggle("confirm-left", panel.getBoundingClientRect().left < content.getBoundingClientRect().left);
};
document.addEventListener("toggle", ({ target }) => place(target), true);
addEventListener("resize", () => document.querySelectorAll(".confirm[open]").forEach(place));
