"use strict";
// The desk works without this; with it, stories can be dragged, the preview turns, numbers move.
(() => {
  const desk = document.querySelector("[data-desk]");
  if (!desk) return;
  const all = (query, from = desk) => [...from.querySelectorAll(query)];
  const one = (query) => desk.querySelector(query);

  // Where the page was before a button was pressed.
  const key = `desk:${location.pathname}`;
  const before = Number(sessionStorage.getItem(key));
  if (before) scrollTo(0, before);
  sessionStorage.removeItem(key);
  document.addEventListener("submit", () => sessionStorage.setItem(key, String(scrollY)));

  // --- the order of stories
  const list = one("[data-stories]");
  const form = one("[data-order-form]");
  let dragged = null;
  const submitOrder = () => {
    form.elements.order.value = all("[data-story]", list).map((row) => row.dataset.story).join(",");
    form.requestSubmit();
  };
  if (form) {
    const first = () => all("[data-story]", list).map((row) => row.dataset.story).join();
    let was = "";
    list.addEventListener("dragstart", (event) => {
      dragged = event.target.closest("[data-story]");
      was = first();
      event.dataTransfer.effectAllowed = "move";
      dragged.classList.add("desk-dragged");
    });
    list.addEventListener("dragover", (event) => {
      const over = event.target.closest("[data-story]");
      if (!dragged || !over) return;
      event.preventDefault();
      const box = over.getBoundingClientRect();
      if (over !== dragged) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
    });
    list.addEventListener("drop", (event) => event.preventDefault());
    list.addEventListener("dragend", () => {
      dragged?.classList.remove("desk-dragged");
      dragged = null;
      if (first() !== was) submitOrder();
    });
  }

  // --- how many subscribers, where they are too many to be counted with the page
  if (desk.dataset.countReaders) {
    fetch(desk.dataset.countReaders).then((answer) => answer.json()).then(({ subscribers }) =>
      all("[data-subscribers]").forEach((each) => { each.textContent = subscribers; }));
  }

  // --- the preview
  const frame = one("[data-preview]");
  if (frame) {
    const address = new URL(frame.dataset.preview, location.href);
    const subscriber = one("[data-subscriber]");
    let kind = "html";
    const show = () => {
      const shown = new URL(address);
      shown.pathname = shown.pathname.replace(/html\/$/, `${kind}/`);
      shown.searchParams.set("scheme", frame.classList.contains("desk-dark") ? "dark" : "light");
      if (subscriber?.value) shown.searchParams.set("subscriber", subscriber.value);
      frame.src = shown;
    };
    const press = (button, others) => others.forEach((each) =>
      each.setAttribute("aria-pressed", String(each === button)));
    all("[data-show]").forEach((button) => button.addEventListener("click", () => {
      kind = button.dataset.show;
      press(button, all("[data-show]"));
      show();
    }));
    all("[data-width]").forEach((button) => button.addEventListener("click", () => {
      frame.classList.toggle("desk-phone", button.dataset.width === "phone");
      press(button, all("[data-width]"));
    }));
    one("[data-scheme]").addEventListener("click", (event) => {
      const dark = frame.classList.toggle("desk-dark");
      event.target.setAttribute("aria-pressed", String(dark));
      show();
    });
    subscriber?.addEventListener("change", show);
  }

  // --- the check
  one("[data-check]")?.addEventListener("click", async (event) => {
    const target = one("[data-findings]");
    event.target.disabled = true;
    target.textContent = "Looking …";
    try {
      const answer = await fetch(event.target.dataset.check, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      target.innerHTML = await answer.text();
    } catch {
      target.textContent = "That did not work. Try it again.";
    }
    event.target.disabled = false;
  });

  // --- what moves
  const counts = document.getElementById("desk-counts");
  const paint = (facts) => {
    all("[data-count]").forEach((cell) => {
      cell.textContent = Number(facts[cell.dataset.count]).toLocaleString();
    });
    moving.paint(desk, facts);
    if (facts.state !== desk.dataset.state) location.reload();
  };
  if (counts) paint(JSON.parse(counts.textContent));
  const look = async () => {
    try {
      const answer = await fetch(desk.dataset.progress, { credentials: "same-origin" });
      if (answer.ok) paint(await answer.json());
    } catch { /* the next look may work */ }
  };
  if (["built", "sending"].includes(desk.dataset.state)) setInterval(look, 2000);

  // --- the seconds in which "send" can be undone
  const left = one("[data-countdown]");
  let seconds = Number(desk.dataset.undo);
  if (left) {
    const tick = setInterval(() => {
      seconds -= 1;
      left.textContent = ` (${Math.max(0, seconds)} s)`;
      if (seconds <= 0) { clearInterval(tick); left.closest("form").hidden = true; }
    }, 1000);
  }
})();
