"use strict";
// The layout of a newsletter. Blocks are dragged, or moved by keyboard, and that is saved at once. The fields of a block are saved
// by its button: a topic's title is what subscribers chose, so it is not saved letter by letter.
(() => {
  const root = document.querySelector("[data-layout]"), list = root?.querySelector("[data-layout-list]");
  if (!list?.querySelector("[data-layout-form]")) return;
  const state = root.querySelector("[data-layout-state]");
  let queue = Promise.resolve();
  for (const grip of list.querySelectorAll("[data-grip]")) grip.hidden = false;

  const time = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const say = (node, text, failed = false) => { node.textContent = text; node.classList.toggle("error", failed); };

  // Requests go one after another. Resolves to the JSON, or to {problem}.
  function send(address, values) {
    values.set("csrfmiddlewaretoken", root.querySelector("[name=csrfmiddlewaretoken]").value);
    const request = async () => {
      try {
        const response = await fetch(address, { method: "POST", body: values, headers: { Accept: "application/json" }, redirect: "error" });
        if (!response.headers.get("Content-Type")?.startsWith("application/json")) throw new Error(String(response.status));
        return await response.json();
      } catch {
        return { problem: "The server cannot be reached. What you wrote is still here: try again." };
      }
    };
    return (queue = queue.then(request));
  }

  async function place(item, to) {
    say(state, "Saving …");
    const { problem } = await send(item.querySelector("[data-layout-form]").action, new URLSearchParams({ do: "move", to }));
    say(state, problem ? `Not saved: ${problem} Reload the page.` : `${item.dataset.name} is number ${to + 1} now. Saved ${time()}`, Boolean(problem));
  }

  function shift(item, by, focused) {
    const items = [...list.children], to = items.indexOf(item) + by;
    if (to < 0 || to >= items.length) return;
    const before = by < 0 ? items[to] : items[to].nextElementSibling;
    if (list.moveBefore) list.moveBefore(item, before); else list.insertBefore(item, before);
    focused.focus();
    place(item, to);
  }

  async function save(form) {
    const shown = form.querySelector("[data-saved]"), values = new URLSearchParams([...new FormData(form)]), before = String(values);
    say(shown, "Saving …");
    const { problem, summary } = await send(form.action, values);
    if (problem) { say(shown, `Not saved: ${problem}`, true); return; }
    const now = new URLSearchParams([...new FormData(form)]);
    now.set("csrfmiddlewaretoken", values.get("csrfmiddlewaretoken"));
    if (String(now) === before) delete form.dataset.dirty;
    say(shown, form.dataset.dirty ? "Unsaved changes" : `Saved ${time()}`);
    form.closest("[data-key]").querySelector("[data-summary]").innerHTML = summary;
  }

  async function fetchLink(form, button) {
    const shown = form.querySelector("[data-saved]");
    button.disabled = true;
    say(shown, "Fetching the page …");
    const { problem, content, picture_url: pictureUrl } = await send(root.dataset.link, new URLSearchParams({ url: form.elements.url.value }));
    button.disabled = false;
    if (problem) { say(shown, problem, true); return; }
    for (const [name, value] of Object.entries(content)) form.elements[name].value = value;
    const picture = form.querySelector("[data-picture-shown]");
    picture.hidden = !pictureUrl;
    if (pictureUrl) picture.src = pictureUrl;
    form.querySelector("[data-do=unpick]").hidden = !content.picture;
    form.dataset.dirty = "1";
    say(shown, `“${content.title}” was fetched. Save to keep it.`);
  }

  for (const type of ["input", "change", "rich-text:change"]) list.addEventListener(type, ({ target }) => {
    const form = target.closest("[data-layout-form]");
    if (!form) return;
    form.dataset.dirty = "1";
    say(form.querySelector("[data-saved]"), "Unsaved changes");
  });
  list.addEventListener("layout-sort", ({ detail }) => place(list.querySelector(`[data-key="${detail.key}"]`), Number(detail.to)));
  list.addEventListener("keydown", (event) => {
    if (!["ArrowUp", "ArrowDown"].includes(event.key) || !event.target.matches("[data-grip]")) return;
    event.preventDefault();
    shift(event.target.closest("[data-key]"), event.key === "ArrowUp" ? -1 : 1, event.target);
  });
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-do=fetch]");
    if (button) fetchLink(button.closest("form"), button);
  });
  list.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (button?.value === "remove") { delete form.dataset.dirty; return; }
    event.preventDefault();
    if (button?.dataset.shift) shift(form.closest("[data-key]"), Number(button.dataset.shift), button);
    else save(form);
  });
  addEventListener("beforeunload", (event) => { if (list.querySelector("[data-dirty]")) event.preventDefault(); });
})();
