// Where a sign-up form stands: in place of its script tag, or over the page, where it has to be polite.

const WIDE = 640; // CSS px; narrower windows are phones

// Shows a box as its design says; `options.design` is absent for the plain form of a newsletter.
function place(tag, box, options) {
  const design = options.design;
  if (!design || design.kind === "inline" || design.kind === "box") {
    tag.before(draw(tag, box, options));
    return;
  }
  if (!document.body) { // the tag stands in the head, and its script was quick
    addEventListener("DOMContentLoaded", () => place(tag, box, options));
    return;
  }
  const host = draw(document.body, box, options);
  host.dataset.float = design.kind;
  host.dataset.digestFloat = "";
  const close = () => {
    remember(design);
    host.remove();
    document.removeEventListener("keydown", onKey);
  };
  const onKey = (event) => { if (event.key === "Escape") close(); };
  box.setAttribute("role", "dialog");
  box.prepend(make("button", { type: "button", class: "close", "aria-label": options.labels.close }, "×"));
  box.querySelector(".close").addEventListener("click", close);
  const appear = () => {
    if (document.querySelector("[data-digest-float]")) return; // one at a time
    document.body.append(host);
    document.addEventListener("keydown", onKey);
  };
  if (options.preview) appear();
  else if (!rests(design)) wait(design, appear);
}

// Calls `appear` once: after some seconds, or when some of the page was scrolled. On a phone only the latter counts,
// and never within the first screen.
function wait(design, appear) {
  let timer = 0;
  const onScroll = () => {
    const page = document.documentElement;
    const way = page.scrollHeight - innerHeight;
    const isFar = way > 0 && scrollY / way * 100 >= design.scroll;
    if (isFar && (innerWidth >= WIDE || scrollY >= innerHeight)) end();
  };
  const end = () => {
    removeEventListener("scroll", onScroll);
    clearTimeout(timer);
    appear();
  };
  addEventListener("scroll", onScroll, { passive: true });
  if (innerWidth >= WIDE) timer = setTimeout(end, design.seconds * 1000);
}

// Whether the visitor closed this form, or signed up, within the days that it rests. Only this is stored.
function rests(design) {
  try {
    const days = (Date.now() - Number(localStorage.getItem(design.key))) / 86400000;
    return days < design.days;
  } catch {
    return false; // no storage: it appears once on each page
  }
}

function remember(design) {
  try { localStorage.setItem(design.key, String(Date.now())); } catch { /* no storage */ }
}
