"use strict";
// Pictures: uploads, the focal point, and `pickPicture`, a dialog that other pages open.
(() => {
  const { find, upload } = document.currentScript.dataset;
  const TYPES = "image/jpeg,image/png,image/webp,image/avif,image/heic,image/heif,image/gif";

  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value
    ?? document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

  // Send a form by POST; return the JSON, or throw an Error with a message for a person.
  async function send(address, values) {
    const body = new FormData();
    for (const [name, value] of Object.entries(values)) body.append(name, value);
    let answer;
    try {
      answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token() } });
    } catch {
      throw new Error("The server cannot be reached. Check your connection and try again.");
    }
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    if (answer.ok && isJson) return answer.json();
    if (isJson) throw new Error((await answer.json()).problem);
    throw new Error(answer.status === 413 ? "The file is larger than 25 MB." : `The server answered ${answer.status}. Reload the page and try again.`);
  }

  window.uploadPicture = (publication, file) => send(upload, { publication, file });

  const filesOf = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/") || !file.type);

  // Upload one after another; each ends in `onReady(picture)` or a line in the log.
  async function uploadAll(publication, files, log, onReady) {
    for (const file of files) {
      const line = document.createElement("li");
      line.textContent = `Uploading ${file.name} …`;
      log.append(line);
      try {
        const picture = await window.uploadPicture(publication, file);
        line.textContent = `${file.name} was added.${picture.problem ? ` ${picture.problem}` : ""}`;
        if (picture.problem) line.className = "finding-warning";
        onReady(picture);
      } catch (problem) {
        line.className = "finding-fail";
        line.textContent = `${file.name}: ${problem.message}`;
      }
    }
  }

  // Take files that are dropped on an element, or pasted while `isOpen()`.
  function accept(element, onFiles, isOpen) {
    element.addEventListener("dragover", (event) => { event.preventDefault(); element.classList.add("picture-over"); });
    element.addEventListener("dragleave", () => element.classList.remove("picture-over"));
    element.addEventListener("drop", (event) => { event.preventDefault(); element.classList.remove("picture-over"); onFiles(filesOf(event.dataTransfer)); });
    const paste = (event) => { const files = filesOf(event.clipboardData); if (files.length && isOpen()) { event.preventDefault(); onFiles(files); } };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const area = document.querySelector("[data-picture-drop]");
    if (!area) return;
    const log = area.querySelector("[data-picture-log]");
    const input = area.querySelector("[type=file]");
    const add = async (files) => {
      let added = 0;
      await uploadAll(area.dataset.pictureDrop, files, log, () => { added += 1; });
      if (added && !log.querySelector(".finding-fail, .finding-warning")) location.reload();
    };
    area.querySelector("button").hidden = true; // a choice uploads at once
    input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
    accept(area, add, () => !document.querySelector("dialog[open]"));
  });

  document.addEventListener("alpine:init", () => {
    // The point that crops keep, in percent of width and height.
    Alpine.data("focalPoint", (x, y, width, height) => ({
      x, y,
      get point() { return { left: `${this.x}%`, top: `${this.y}%` }; },
      // Where a crop of these proportions stands, as digest.pictures.sizes.crop computes it.
      crop(cssWidth, cssHeight) {
        const scale = Math.min(width / cssWidth, height / cssHeight);
        const position = (focus, whole, part) => {
          if (whole - part < 1e-6) return "50%";
          const start = Math.min(Math.max(focus / 100 * whole - part / 2, 0), whole - part);
          return `${start / (whole - part) * 100}%`;
        };
        return { aspectRatio: `${cssWidth} / ${cssHeight}`, objectPosition: `${position(this.x, width, cssWidth * scale)} ${position(this.y, height, cssHeight * scale)}` };
      },
      start(event) { event.currentTarget.setPointerCapture(event.pointerId); this.set(event); },
      move(event) { if (event.buttons & 1) this.set(event); },
      set(event) {
        const box = this.$refs.picture.getBoundingClientRect();
        const share = (at, from, size) => Math.round(Math.min(Math.max((at - from) / size, 0), 1) * 100);
        this.x = share(event.clientX, box.left, box.width);
        this.y = share(event.clientY, box.top, box.height);
      },
    }));
  });

  const element = (name, values = {}, ...children) => {
    const node = Object.assign(document.createElement(name), values);
    node.append(...children);
    return node;
  };

  // Let a person choose or upload a picture of a publication. Resolves to {uuid, url, alt, …}, or
  // to null when the dialog is closed without a choice.
  window.pickPicture = ({ publication }) => new Promise((resolve) => {
    let chosen = null, page = 1;
    const search = element("input", { type: "search", placeholder: "Alt text or credit" });
    const input = element("input", { type: "file", accept: TYPES });
    const log = element("ul", { className: "findings" });
    log.setAttribute("role", "status");
    const list = element("ul", { className: "picture-grid" });
    const more = element("button", { type: "button", className: "button", textContent: "Older pictures", hidden: true });
    const alt = element("input", { maxLength: 1000 });
    const use = element("button", { type: "button", className: "button button-primary", textContent: "Use picture", disabled: true });
    const cancel = element("button", { type: "button", className: "button", textContent: "Cancel" });
    const heading = element("h2", { textContent: "Choose a picture", id: "picker-title" });
    const dialog = element("dialog", { className: "picker console stack" }, heading,
      element("div", { className: "row" },
        element("label", { className: "grow" }, "Search", search),
        element("label", { className: "grow" }, "Upload, drop or paste", input)),
      log, element("div", { className: "picker-list" }, list, more),
      element("label", {}, "Alt text", alt),
      element("div", { className: "actions" }, use, cancel));
    dialog.setAttribute("aria-labelledby", "picker-title");

    const select = (picture, button) => {
      chosen = picture;
      alt.value = picture.alt;
      use.disabled = false;
      for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
    };
    const show = (picture, first) => {
      const image = element("img", { src: picture.thumbnail, width: 184, height: 123, loading: "lazy", alt: "" });
      const label = picture.alt || "No alt text";
      const button = element("button", { type: "button" }, image, element("span", { textContent: label }));
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => select(picture, button));
      const item = element("li", {}, button);
      if (first) list.prepend(item); else list.append(item);
      return button;
    };
    const load = async () => {
      const query = new URLSearchParams({ publication, q: search.value, page });
      const answer = await fetch(`${find}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) { log.replaceChildren(element("li", { className: "finding-fail", textContent: "The pictures cannot be loaded. Close this and try again." })); return; }
      const { pictures, last } = await answer.json();
      if (page === 1) list.replaceChildren();
      pictures.forEach((picture) => show(picture, false));
      more.hidden = last;
    };
    const add = (files) => uploadAll(publication, files, log, (picture) => select(picture, show(picture, true)));
    const stop = accept(dialog, add, () => dialog.open);
    const finish = (picture) => { stop(); dialog.close(); dialog.remove(); resolve(picture); };

    let timer;
    search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { page = 1; load(); }, 250); });
    search.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    more.addEventListener("click", () => { page += 1; load(); });
    input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
    cancel.addEventListener("click", () => finish(null));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); finish(null); });
    use.addEventListener("click", async () => {
      if (alt.value.trim() === chosen.alt) { finish(chosen); return; }
      try {
        finish(await send(chosen.change_url, { alt: alt.value }));
      } catch (problem) {
        log.append(element("li", { className: "finding-fail", textContent: problem.message }));
      }
    });
    document.body.append(dialog);
    dialog.showModal();
    load();
  });
})();
