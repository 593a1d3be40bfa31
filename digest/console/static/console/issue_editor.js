"use strict";
// The editor of an issue. The server sends the list of blocks as HTML with a mark on each part; only parts with another mark are
// replaced, and never one in which somebody is writing. What is written is saved a second after the last key.
(() => {
  const PAUSE = 1000, HEARTBEAT = 5000, MAIL_PAUSE = 700;

  class IssueEditor {
    constructor(root) {
      this.root = root;
      this.find = (selector) => root.querySelector(selector);
      this.revision = Number(root.dataset.revision);
      this.queue = Promise.resolve();
      this.timers = new Map();
      this.tab = sessionStorage.tab ??= Math.random().toString(36).slice(2, 10);
      this.place = "";
      this.preview = new Preview(this.find("[data-preview]"));
      this.showTools(root);
      for (const node of root.querySelectorAll("[data-without-script]")) node.hidden = true;
      for (const name of ["toolbar", "tabs"]) if (this.find(`[data-${name}]`)) this.find(`[data-${name}]`).hidden = false;
      this.listen();
      if (root.dataset.editable) { this.beat(); setInterval(() => this.beat(), HEARTBEAT); }
    }

    listen() {
      const { root } = this;
      for (const type of ["input", "change", "rich-text:change"]) root.addEventListener(type, (event) => this.touched(event));
      root.addEventListener("focusin", (event) => this.focused(event));
      root.addEventListener("focusout", (event) => this.left(event));
      root.addEventListener("click", (event) => this.clicked(event));
      root.addEventListener("submit", (event) => this.submitted(event));
      root.addEventListener("block-sort", ({ detail }) => this.sort("block", detail));
      root.addEventListener("story-sort", ({ detail }) => this.sort("story", detail));
      root.addEventListener("toggle", (event) => this.toggled(event), true);
      document.addEventListener("keydown", (event) => this.pressed(event));
      addEventListener("beforeunload", (event) => { if (this.unsaved()) event.preventDefault(); });
      document.addEventListener("visibilitychange", () => { if (document.hidden) this.saveAll(); });
    }

    // --- what is written ------------------------------------------------------------------

    touched({ target, type }) {
      const unit = target.closest?.("[data-unit]");
      if (!unit || target.closest("[data-conflict]")) return;
      unit.dataset.dirty = "1";
      this.say("Unsaved changes");
      clearTimeout(this.timers.get(unit));
      this.timers.set(unit, setTimeout(() => this.save(unit), type === "change" && target.matches("select, [type=checkbox]") ? 50 : PAUSE));
    }

    left({ target, relatedTarget }) {
      const unit = target.closest?.("[data-unit]");
      if (unit?.dataset.dirty && !unit.contains(relatedTarget)) this.save(unit);
      const item = target.closest?.("[data-stale]");
      if (item && !item.contains(relatedTarget)) setTimeout(() => this.refresh(), 50);
    }

    unsaved() { return this.root.querySelector("[data-dirty]") !== null; }

    saveAll() { return Promise.all([...this.root.querySelectorAll("[data-dirty]")].map((unit) => this.save(unit))); }

    valuesOf(unit) { return new URLSearchParams([...new FormData(unit)].filter(([, value]) => typeof value === "string" )); }

    save(unit) {
      clearTimeout(this.timers.get(unit));
      if (unit.querySelector("[data-conflict]")) return Promise.resolve();
      return this.enqueue(async () => {
        if (!unit.isConnected || !unit.dataset.dirty) return;
        const item = unit.closest("[data-key]"), values = this.valuesOf(unit), before = String(values);
        if (item) values.set("version", item.dataset.version);
        const answer = await this.send(unit.dataset.unit, values);
        if (!answer) return;
        if (answer.conflict) { this.showConflict(unit, answer); return; }
        if (answer.problem) { this.fail(answer.problem); return; }
        if (String(this.valuesOf(unit)) === before) delete unit.dataset.dirty;
        if (unit.dataset.unit === "subject") this.see(unit, answer.texts);
        this.apply(answer, item?.dataset.key);
        this.saved();
        if (unit.dataset.dirty) this.touched({ target: unit, type: "input" });
      });
    }

    see(unit, texts) {
      for (const name of ["subject", "preheader"]) unit.elements[`seen_${name}`].value = texts[name];
    }

    // --- requests, one after another ------------------------------------------------------

    enqueue(job) {
      this.queue = this.queue.then(job).catch((problem) => { console.error(problem); this.fail("Something went wrong here. Reload the page."); });
      return this.queue;
    }

    async send(verb, values) {
      this.say("Saving …");
      const body = new URLSearchParams(values);
      body.set("csrfmiddlewaretoken", this.find("[name=csrfmiddlewaretoken]").value);
      try {
        const response = await fetch(this.root.dataset.action.replace(/0\/$/, `${verb}/`), { method: "POST", body, headers: { Accept: "application/json" }, redirect: "error" });
        if (!response.headers.get("Content-Type")?.startsWith("application/json")) throw new Error(String(response.status));
        return await response.json();
      } catch {
        this.fail("The server cannot be reached. Your text stays here and is saved when you go on.");
        return null;
      }
    }

    // A change of the structure: what is written is saved first, because an undo would lose it.
    change(verb, values = {}, after = () => {}) {
      this.saveAll();
      return this.enqueue(async () => {
        if (verb.endsWith("_change")) values.revision = this.revision;
        const answer = await this.send(verb, values);
        if (!answer) return;
        const keys = new Set([...this.root.querySelectorAll("[data-key]")].map((item) => item.dataset.key));
        this.apply(answer);
        if (answer.problem) { this.fail(answer.problem); return; }
        this.saved(answer.message);
        after([...this.root.querySelectorAll("[data-key]")].filter((item) => !keys.has(item.dataset.key)), answer);
      });
    }

    async refresh(mail = false) {
      try {
        const response = await fetch(`${this.root.dataset.parts}${mail ? "?mail=1" : ""}`, { headers: { Accept: "application/json" } });
        if (response.ok && !response.redirected) this.enqueue(async () => this.apply(await response.json()));
      } catch { /* the next heartbeat tries again */ }
    }

    // --- what the server answered ---------------------------------------------------------

    apply(answer, savedKey = "") {
      if (answer.revision < this.revision) return;
      if (!answer.editable && this.root.dataset.editable && !this.unsaved()) { location.reload(); return; }
      const isNew = answer.revision !== this.revision;
      this.revision = answer.revision;
      this.reconcile(answer.blocks, savedKey);
      this.showSteps(answer);
      this.showTexts(answer.texts);
      if (this.find("[data-left-out]")) this.replaceHtml(this.find("[data-left-out]"), answer.left_out);
      if (answer.header !== undefined) this.showMail(answer);
      for (const input of this.root.querySelectorAll(":is([data-header], #findings) [name=revision]")) input.value = answer.revision;
      if (isNew) this.scheduleMail();
    }

    scheduleMail() {
      clearTimeout(this.mailTimer);
      this.mailTimer = setTimeout(() => { this.preview.revision = this.revision; this.preview.load(this.anchorOf(this.place)); this.refresh(true); }, MAIL_PAUSE);
    }

    showMail(answer) {
      const header = this.find("[data-header]");
      if (!header.querySelector("details[open]")) { this.replaceHtml(header, answer.header); window.htmx?.process(header); }
      const findings = this.find("#findings");
      if (findings && !findings.contains(document.activeElement)) window.htmx?.ajax("GET", findings.getAttribute("hx-get"), { target: findings });
      this.replaceHtml(this.find("[data-size]"), answer.size);
      for (const [index, item] of [...this.root.querySelectorAll(".story-item")].entries()) item.toggleAttribute("data-dropped", answer.dropped.includes(index));
      for (const name of ["subject", "preheader"]) { const field = this.find("[data-unit=subject]")?.elements[name]?.closest("template-field"); if (field) field.placeholder = answer[name]; }
    }

    replaceHtml(node, html) {
      if (node.lastHtml === html) return;
      const open = node.querySelector("details")?.open;
      node.innerHTML = node.lastHtml = html;
      if (open && node.querySelector("details")) node.querySelector("details").open = true;
    }

    showTexts(texts) {
      const unit = this.find("[data-unit=subject]");
      if (!unit || unit.dataset.dirty || unit.contains(document.activeElement)) return;
      for (const name of ["subject", "preheader"]) if (unit.elements[name].value !== texts[name]) unit.elements[name].closest("template-field").value = texts[name];
      this.see(unit, texts);
    }

    showSteps({ undo, redo }) {
      for (const [name, label, text] of [["undo", "Undo", undo], ["redo", "Redo", redo]]) {
        const button = this.find(`[data-toolbar] [data-do=${name}]`);
        if (!button) continue;
        button.disabled = !text;
        button.title = text ? `${label}: ${text}` : `Nothing to ${label.toLowerCase()}`;
        button.setAttribute("aria-label", button.title);
      }
    }

    reconcile(html, savedKey) {
      const fresh = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
      const focus = document.activeElement;
      this.items = new Map([...this.root.querySelectorAll("[data-blocks] [data-key]")].map((item) => [item.dataset.key, item]));
      this.savedKey = savedKey;
      this.arrange(this.find("[data-blocks] [data-list=blocks]"), document.adoptNode(fresh));
      for (const item of this.items.values()) if (!item.querySelector("[data-dirty]")) item.remove();
      this.showTools(this.find("[data-blocks]"));
      if (focus?.isConnected && focus !== document.activeElement) focus.focus({ preventScroll: true });
    }

    arrange(list, fresh) {
      let before = null;
      for (const next of [...fresh.children].filter((item) => item.dataset.key)) {
        const item = this.items.get(next.dataset.key) ?? next;
        this.items.delete(next.dataset.key);
        const after = before ? before.nextElementSibling : list.firstElementChild;
        if (after !== item) { if (item.isConnected && list.moveBefore) list.moveBefore(item, after); else list.insertBefore(item, after); }
        if (item !== next) this.update(item, next);
        else this.adopt(item);
        before = item;
      }
    }

    // A block that came in whole: stories of it that are here already move into it.
    adopt(item) {
      const list = item.querySelector(":scope > [data-list=stories]");
      if (list) this.arrange(list, list.cloneNode(true));
    }

    update(item, next) {
      const ours = item.dataset.key === this.savedKey;
      const isDirty = [...item.children].some((part) => part.dataset.part && part.querySelector("[data-dirty]"));
      item.classList.toggle("block-hidden", next.classList.contains("block-hidden"));
      item.dataset.name = next.dataset.name;
      item.toggleAttribute("data-dropped", next.hasAttribute("data-dropped") || item.hasAttribute("data-dropped"));
      for (const part of [...next.children].filter((child) => child.dataset.part)) this.updatePart(item, part, ours, isDirty);
      const [body, nextBody] = [item, next].map((row) => row.querySelector(":scope > [data-part=body]"));
      if (body.dataset.mark === nextBody.dataset.mark) item.dataset.version = next.dataset.version; // else what is shown is older
      const list = item.querySelector(":scope > [data-list=stories]"), nextList = next.querySelector(":scope > [data-list=stories]");
      if (list && nextList) this.arrange(list, nextList);
    }

    updatePart(item, next, ours, isDirty) {
      const part = item.querySelector(`:scope > [data-part=${next.dataset.part}]`);
      if (!part || part.dataset.mark === next.dataset.mark) return;
      const isBody = next.dataset.part === "body", isFocused = this.isUsed(part);
      if (isBody && ours && (isDirty || isFocused)) { part.dataset.mark = next.dataset.mark; return; }
      if (isBody && (isDirty || isFocused)) { if (!isDirty) item.dataset.stale = "1"; return; }
      const active = part.contains(document.activeElement) ? document.activeElement.dataset : null, open = part.querySelector("details")?.open;
      part.innerHTML = next.innerHTML;
      part.dataset.mark = next.dataset.mark;
      delete item.dataset.stale;
      if (isBody && open && part.querySelector("details")) part.querySelector("details").open = true;
      if (active) (part.querySelector(active.do ? `[data-do="${active.do}"]` : "[data-grip]") ?? part.querySelector("button"))?.focus({ preventScroll: true });
    }

    // Somebody writes in a part, or chooses a picture or a link for it in a dialog.
    isUsed(part) { return part.contains(document.activeElement) || (document.querySelector("dialog:modal") !== null && part.contains(this.used)); }

    showTools(root) {
      for (const node of root.querySelectorAll("[data-tools][hidden], .add-button[hidden]")) node.hidden = false;
    }

    // --- a colleague changed the same -----------------------------------------------------

    showConflict(unit, answer) {
      const item = unit.closest("[data-key]");
      const fresh = new DOMParser().parseFromString(answer.blocks, "text/html");
      const next = item ? fresh.querySelector(`[data-key="${item.dataset.key}"]`) : null;
      this.fail(answer.problem);
      const box = document.createElement("div");
      box.className = "notice notice-warning stack conflict";
      box.dataset.conflict = "1";
      box.setAttribute("role", "alert");
      const name = answer.changed_by || "Somebody else";
      const isGone = item && !next;
      box.append(text("p", isGone ? `${name} removed this. Your text is still here: copy it, or discard it.` : `${name} changed the same text. Yours is not saved.`));
      const theirs = isGone ? {} : item ? readable(next.querySelector("[data-unit]")) : answer.texts;
      const own = readable(unit), list = document.createElement("dl");
      for (const [key, value] of Object.entries(theirs)) if (value !== own[key] && key in own) list.append(text("dt", `${labelOf(unit, key)}: ${name} wrote`), text("dd", value || "(nothing)"));
      const row = document.createElement("div");
      row.className = "actions";
      const use = (label, action) => {
        const button = text("button", label);
        button.type = "button";
        button.className = "button button-small";
        button.addEventListener("click", () => { box.remove(); action(); });
        row.append(button);
      };
      if (!isGone) use("Use mine", () => { if (item) item.dataset.version = next.dataset.version; else this.see(unit, answer.texts); this.save(unit); });
      use(isGone ? "Discard" : "Use theirs", () => { delete unit.dataset.dirty; if (item) { item.dataset.version = ""; for (const part of item.querySelectorAll(":scope > [data-part]")) part.dataset.mark = ""; } document.activeElement?.blur(); this.refresh(); this.say(""); });
      box.append(list, row);
      unit.prepend(box);
    }

    // --- buttons and keys -----------------------------------------------------------------

    clicked(event) {
      const tab = event.target.closest("[data-tab]");
      if (tab) return this.showTab(tab);
      const button = event.target.closest("[data-do]");
      if (event.target.closest("[data-part]")) this.used = event.target;
      if (!button || button.disabled) return;
      const item = button.closest("[data-key]"), id = item?.dataset.key.slice(1);
      switch (button.dataset.do) {
        case "undo": return this.change("undo_change");
        case "redo": return this.change("redo_change");
        case "up": return this.shift(item, -1);
        case "down": return this.shift(item, 1);
        case "hide": return this.change("hide_block", { block: id, hidden: button.dataset.hidden });
        case "remove-block": return this.removeItem(item, "remove_block", { block: id });
        case "remove-story": return this.removeItem(item, "remove", { story: id });
        case "pin": return this.change("pin", { story: id, pinned: button.dataset.pinned });
        case "offer": return this.offer(item);
        case "close": return button.closest("dialog").close();
        case "add": return this.add(button.dataset.kind);
        case "fetch": return this.fetchLink(item, button);
        case "to": return this.moveTo(item, button.dataset.block);
      }
    }

    removeItem(item, verb, values) {
      const next = item.nextElementSibling ?? item.previousElementSibling;
      this.change(verb, values, () => next?.querySelector("[data-grip]")?.focus());
    }

    offer(item) {
      this.addAt = item ? [...item.parentNode.children].indexOf(item) + 1 : 0;
      this.find("[data-add-dialog]").showModal();
    }

    add(kind) {
      this.find("[data-add-dialog]").close();
      this.change("add_block", { kind, to: this.addAt }, ([added]) => {
        if (!added) return;
        const edit = added.querySelector("[data-edit]");
        if (edit) edit.open = true;
        added.scrollIntoView({ block: "nearest" });
        (edit?.querySelector("form :is(input:not([type=hidden]), textarea, select)") ?? added.querySelector("[data-grip]")).focus();
      });
    }

    shift(item, by) {
      const list = item.parentNode, at = [...list.children].indexOf(item), to = at + by;
      const isStory = list.dataset.list === "stories";
      const focus = () => document.activeElement === document.body && item.querySelector("[data-grip]").focus();
      if (to >= 0 && to < list.children.length) return isStory ? this.moveStory(item, list.dataset.block, to, focus) : this.change("move_block", { block: item.dataset.key.slice(1), to }, focus);
      if (!isStory) return this.announce(by < 0 ? "It is the first block." : "It is the last block.");
      const lists = [...this.root.querySelectorAll("[data-list=stories]")], other = lists[lists.indexOf(list) + by];
      if (!other) return this.announce(by < 0 ? "It is the first story." : "It is the last story.");
      this.moveStory(item, other.dataset.block, by < 0 ? other.children.length : 0, focus);
    }

    moveStory(item, block, to, after) {
      return this.change("move", { story: item.dataset.key.slice(1), block, to }, () => {
        const list = item.parentNode, name = list.closest(".block").dataset.name;
        this.announce(`${item.dataset.name} is number ${[...list.children].indexOf(item) + 1} in ${name} now.`);
        after?.();
      });
    }

    moveTo(item, block) {
      const list = this.find(`[data-list=stories][data-block="${block}"]`);
      for (const menu of item.querySelectorAll("[data-move-menu]")) menu.open = false;
      this.moveStory(item, block, list.children.length, () => item.querySelector("[data-grip]").focus());
    }

    toggled({ target }) {
      if (target.matches("[data-edit]") && target.open) this.setPlace(target.closest("[data-key]").dataset.key);
      if (!target.matches("[data-move-menu]") || !target.open) return;
      const panel = target.querySelector("[data-move-targets]"), own = target.closest("[data-list=stories]");
      panel.replaceChildren(...[...this.root.querySelectorAll("[data-list=stories]")].filter((list) => list !== own).map((list) => {
        const button = text("button", list.closest(".block").dataset.name);
        Object.assign(button, { type: "button", className: "menu-item" });
        Object.assign(button.dataset, { do: "to", block: list.dataset.block });
        return button;
      }));
      if (!panel.children.length) panel.replaceChildren(text("p", "There is no other block of stories."));
      panel.querySelector("button")?.focus();
    }

    sort(kind, { key, to, block }) {
      const item = this.find(`[data-key="${key}"]`);
      if (kind === "block") this.change("move_block", { block: key.slice(1), to });
      else this.moveStory(item, block, to);
    }

    pressed(event) {
      const { target, key } = event, isText = target.closest?.("input, textarea, select, [contenteditable=true], [contenteditable='']");
      if (key === "Escape") for (const menu of this.root.querySelectorAll("[data-move-menu][open]")) { menu.open = false; menu.querySelector("summary").focus(); }
      if ((event.ctrlKey || event.metaKey) && !isText && ["z", "Z", "y"].includes(key) && this.find("[data-toolbar]")) {
        event.preventDefault();
        return this.change(key === "z" && !event.shiftKey ? "undo_change" : "redo_change");
      }
      const isGrip = target.matches?.("[data-grip]"), item = target.closest?.("[data-blocks] [data-key]");
      if (!item || !["ArrowUp", "ArrowDown"].includes(key) || isText || !(event.altKey || isGrip)) return;
      event.preventDefault();
      this.shift(item, key === "ArrowUp" ? -1 : 1);
    }

    submitted(event) {
      const form = event.target;
      if (form.dataset.unit) { event.preventDefault(); this.save(form); }
      if (!form.dataset.press || !this.root.dataset.editable) return;
      event.preventDefault();
      this.change(form.dataset.press, Object.fromEntries(new FormData(form)), (added, { message }) => { this.announce(message); added[0]?.scrollIntoView({ block: "nearest" }); form.remove?.call(form.dataset.press === "add" ? form.closest("li") : document.createElement("i")); });
    }

    fetchLink(item, button) {
      const unit = button.closest("[data-unit]"), url = unit.elements.url.value.trim();
      if (!url) { this.fail("Paste an address first."); return unit.elements.url.focus(); }
      delete unit.dataset.dirty;
      clearTimeout(this.timers.get(unit));
      button.disabled = true;
      button.textContent = "Fetching …";
      this.enqueue(async () => {
        const answer = await this.send("fetch_link", { block: item.dataset.key.slice(1), version: item.dataset.version, url });
        button.disabled = false;
        button.textContent = "Fetch title and text";
        if (!answer || answer.problem) { unit.dataset.dirty = "1"; if (answer) { this.apply(answer); this.fail(answer.problem); } return; }
        document.activeElement?.blur();
        this.apply(answer);
        this.saved(answer.message);
      });
    }

    showTab(tab) {
      for (const other of this.root.querySelectorAll("[data-tab]")) other.setAttribute("aria-pressed", String(other === tab));
      this.find(".editor-columns").dataset.showing = tab.dataset.tab;
    }

    // --- where somebody writes, and who else is here --------------------------------------

    focused({ target }) {
      if (target.closest?.("[data-part]")) this.used = target;
      const item = target.closest?.("[data-blocks] [data-key]");
      if (item) this.setPlace(item.dataset.key);
      else if (target.closest?.("[data-unit=subject]")) this.setPlace("texts");
    }

    setPlace(place) {
      if (place === this.place) return;
      this.place = place;
      const anchor = this.anchorOf(place);
      if (anchor) this.preview.scroll(anchor);
      clearTimeout(this.placeTimer);
      this.placeTimer = setTimeout(() => this.beat(), 500);
    }

    anchorOf(place) {
      const items = [...this.root.querySelectorAll(place.startsWith("s") ? ".story-item" : ".blocks > li")];
      const at = items.findIndex((item) => item.dataset.key === place);
      return at < 0 ? "" : `${place.startsWith("s") ? "story" : "block"}-${at + 1}`;
    }

    async beat() {
      if (document.hidden) return;
      try {
        const query = new URLSearchParams({ tab: this.tab, place: this.place });
        const response = await fetch(`${this.root.dataset.presence}?${query}`, { headers: { Accept: "application/json" } });
        if (!response.ok || response.redirected) return;
        const { people, revision, editable } = await response.json();
        this.showPeople(people);
        if (revision > this.revision || !editable) this.refresh(true);
      } catch { /* offline: nobody is seen */ }
    }

    showPeople(people) {
      for (const node of this.root.querySelectorAll("[data-here]")) node.replaceChildren();
      const badges = people.map(({ name, place }) => {
        const item = place && this.find(`[data-blocks] [data-key="${CSS.escape(place)}"]`);
        if (item) item.querySelector("[data-here]")?.append(badge(name, `${name} is here`));
        return badge(name, item ? `${name} edits ${item.dataset.name}` : place === "texts" ? `${name} edits the subject` : `${name} has this issue open`);
      });
      this.find("[data-people]")?.replaceChildren(...badges);
    }

    // --- what is said ---------------------------------------------------------------------

    say(message) { const node = this.find("[data-save-state]"); if (node) { node.textContent = message; node.classList.remove("error"); } }
    fail(message) { this.say(`Not saved: ${message}`); this.find("[data-save-state]")?.classList.add("error"); }
    announce(message) { this.find("[data-announce]").textContent = message; }

    saved(message = "") {
      const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      if (!this.root.querySelector("[data-conflict]")) this.say(message && message !== "Saved." ? `${message} Saved ${time}` : `Saved ${time}`);
    }
  }

  // The mail beside the editor: a new frame replaces the old one once it has loaded, at the block that is edited.
  class Preview {
    constructor(root) {
      this.root = root;
      this.values = { kind: "html", scheme: "light", phone: "" };
      this.anchor = "";
      root.querySelector("[data-preview-bar]").hidden = false;
      root.addEventListener("click", ({ target }) => { const button = target.closest("[data-set]"); if (button) this.set(button); });
      for (const name of ["images", "variant", "subscriber"]) root.querySelector(`[data-${name}]`)?.addEventListener("change", () => this.load());
    }

    set(button) {
      for (const other of button.parentNode.children) other.setAttribute("aria-pressed", String(other === button));
      this.values[button.dataset.set] = button.dataset.value;
      if (button.dataset.set === "phone") this.style(this.root.querySelector("iframe"));
      else this.load();
    }

    style(frame) { frame.className = `${this.values.phone ? "phone" : ""} ${this.values.scheme === "dark" && this.values.kind === "html" ? "dark-frame" : ""}`; }

    address() {
      const query = new URLSearchParams({ scheme: this.values.scheme }), subscriber = this.root.querySelector("[data-subscriber]")?.value.trim();
      if (!this.root.querySelector("[data-images]").checked) query.set("images", "off");
      const variant = this.root.querySelector("[data-variant]")?.value;
      if (variant && variant !== "0") query.set("variant", variant);
      if (subscriber) query.set("subscriber", subscriber);
      query.set("at", String(Date.now()));
      return `${this.root.dataset.preview.replace(/html\/$/, `${this.values.kind}/`)}?${query}`;
    }

    load(anchor = this.anchor) {
      this.anchor = anchor;
      const frame = document.createElement("iframe"), frames = this.root.querySelector("[data-frames]");
      frame.title = "Preview of the email";
      frame.setAttribute("sandbox", "");
      frame.dataset.loading = "1";
      if (this.revision) frame.dataset.revision = this.revision;
      this.style(frame);
      this.base = this.address();
      frame.src = `${this.base}${anchor ? `#${anchor}` : ""}`;
      frame.addEventListener("load", () => { for (const other of [...frames.children]) if (other !== frame && other.compareDocumentPosition(frame) & Node.DOCUMENT_POSITION_FOLLOWING) other.remove(); delete frame.dataset.loading; }, { once: true });
      frames.append(frame);
    }

    scroll(anchor) {
      if (anchor === this.anchor) return;
      this.anchor = anchor;
      const frame = this.root.querySelector("iframe:last-child");
      this.base ??= frame.src.split("#")[0];
      frame.src = `${this.base}#${anchor}`;
    }
  }

  const text = (tag, content) => Object.assign(document.createElement(tag), { textContent: content });
  const badge = (name, title) => Object.assign(text("span", initials(name)), { className: "person", title, ariaLabel: title, role: "img" });
  const initials = (name) => name.split(/[\s.@_-]+/).slice(0, 2).map((part) => [...part][0] ?? "").join("").toUpperCase();
  const labelOf = (unit, name) => unit.elements[name]?.labels?.[0]?.firstChild?.textContent.trim() || { document: "Text" }[name] || name;

  // The texts of a form as a person reads them.
  function readable(unit) {
    const values = {};
    for (const field of unit?.elements ?? []) if (field.name && !["block", "story", "seen_subject", "seen_preheader", "chooses_topics"].includes(field.name) && !/^(button|checkbox)$/.test(field.type)) values[field.name] = field.name === "document" ? plain(field.value) : field.value;
    return values;
  }

  function plain(value) {
    if (!value.startsWith("{")) return value.trim();
    const walk = (node) => node.text ?? (node.type === "hardBreak" ? "\n" : (node.content ?? []).map(walk).join(node.type === "doc" ? "\n\n" : ""));
    return walk(JSON.parse(value)).trim();
  }

  for (const root of document.querySelectorAll("[data-issue-editor]")) root.editor = new IssueEditor(root);
})();
