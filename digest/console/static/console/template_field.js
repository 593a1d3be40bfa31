"use strict";
// <template-field>: one line of text with values to insert, shown as chips and stored as Jinja (see docs/console-components.md).
// The page holds a plain input, which stays without JavaScript and under "Advanced".
(() => {
  const LONGEST_URL = 4000; // characters; servers refuse more
  const WAIT = 400; // milliseconds after the last key before an example is fetched
  const JINJA = /\{\{\s*((?:(?!\}\}).)+?)\s*\}\}/g;
  const plain = (source) => source.replace(/\s+/g, "");

  const element = window.makeElement; // of rich_text.js, which is loaded before

  const chipNode = (host) => window.Tiptap.Node.create({
    name: "chip", group: "inline", inline: true, atom: true,
    addAttributes: () => ({ source: { default: "", parseHTML: (node) => node.getAttribute("data-source") } }),
    parseHTML: () => [{ tag: "span[data-source]" }],
    renderHTML: ({ node }) => ["span", { class: "chip", "data-source": node.attrs.source }, host.labelOf(node.attrs.source)],
    renderText: ({ node }) => `{{ ${node.attrs.source} }}`,
  });

  // One line: Enter does what it does in an input, and pasted lines become spaces.
  const oneLine = (host) => window.Tiptap.Extension.create({
    name: "oneLine",
    addKeyboardShortcuts: () => ({ Enter: () => { host.input.form?.requestSubmit(); return true; }, "Shift-Enter": () => true }),
  });

  class TemplateField extends HTMLElement {
    get input() { return this.querySelector("input"); }

    get value() { return this.input.value; }

    set value(text) {
      this.input.value = text;
      if (!this.editor) return;
      this.show(text);
      this.fetchSoon();
    }

    // What an empty field shows; the example is fetched again, as what it shows may have changed too.
    set placeholder(text) {
      this.input.placeholder = text;
      if (!this.editor) return;
      this.editor.view.dispatch(this.editor.state.tr);
      this.fetchSoon();
    }

    connectedCallback() {
      if (this.editor || this.starting) return;
      this.starting = true;
      this.chips = JSON.parse(this.dataset.chips || "[]");
      window.loadTiptap(this.dataset.tiptap).then(() => this.start(), () => {}).finally(() => { this.starting = false; });
    }

    disconnectedCallback() {
      queueMicrotask(() => { if (!this.isConnected) this.stop(); });
    }

    start() {
      if (!this.isConnected || this.box) return;
      const isEditable = !this.input.matches(":disabled");
      this.surface = element("div", { class: "template-surface" });
      this.box = element("div", { class: "template-field", hidden: "" }, this.surface);
      this.example = element("p", { class: "template-example muted", role: "status" });
      this.input.after(this.box);
      this.makeEditor(isEditable);
      this.box.after(...(isEditable ? [this.makeInserts(), this.example] : [this.example]));
      this.input.addEventListener("input", (event) => { if (event.isTrusted) this.fetchSoon(); });
      this.querySelector("label").addEventListener("click", (event) => { if (!this.box.hidden) { event.preventDefault(); this.editor.commands.focus("end"); } });
      this.addEventListener("focusin", () => this.fetchSoon(), { once: true });
      this.show(this.input.value);
      this.fetchExample();
    }

    stop() {
      this.editor?.destroy();
      this.editor = null;
      clearTimeout(this.timer);
      this.request?.abort();
      for (const node of [this.box, this.inserts, this.example]) node?.remove();
      this.box = null;
      if (this.input) this.input.hidden = false;
    }

    makeEditor(isEditable) {
      const T = window.Tiptap;
      const attributes = { class: "template-content", role: "textbox", "aria-multiline": "false", dir: "auto", "aria-label": this.dataset.label };
      const described = this.input.getAttribute("aria-describedby");
      if (described) attributes["aria-describedby"] = described;
      this.editor = new T.Editor({
        element: this.surface, injectCSS: false, editable: isEditable, enableInputRules: false, enablePasteRules: false,
        extensions: [T.Document.extend({ content: "paragraph" }), T.Paragraph, T.Text, T.UndoRedo, chipNode(this), oneLine(this), T.Placeholder.configure({ placeholder: () => this.input.placeholder })],
        editorProps: {
          attributes,
          handlePaste: (view, event) => { const text = event.clipboardData?.getData("text/plain"); if (text === undefined) return false; this.insertText(text); return true; },
          handleDrop: (view, event, slice, moved) => !moved,
        },
        onUpdate: () => this.mirror(),
      });
    }

    makeInserts() {
      this.inserts = element("div", { class: "template-inserts", role: "group", "aria-label": `Insert into ${this.dataset.label}` });
      for (const { source, label } of this.chips) {
        const button = element("button", { type: "button", class: "chip chip-button", "data-source": source, "aria-label": `Insert ${label}` }, `+ ${label}`);
        button.addEventListener("mousedown", (event) => event.preventDefault());
        button.addEventListener("click", () => this.insert(source));
        this.inserts.append(button);
      }
      this.advanced = element("button", { type: "button", class: "template-advanced", "aria-pressed": "false" }, "Advanced");
      this.advanced.addEventListener("click", () => this.toggle());
      this.inserts.append(this.advanced);
      return this.inserts;
    }

    labelOf(source) { return this.chips.find((chip) => plain(chip.source) === plain(source))?.label ?? source; }

    // The content for the editor, or null if chips cannot show it.
    contentOf(text) {
      const parts = [];
      let at = 0;
      for (const { 0: whole, 1: source, index } of text.matchAll(JINJA)) {
        const chip = this.chips.find((candidate) => plain(candidate.source) === plain(source));
        if (!chip) return null;
        if (index > at) parts.push({ type: "text", text: text.slice(at, index) });
        parts.push({ type: "chip", attrs: { source: chip.source } });
        at = index + whole.length;
      }
      if (at < text.length) parts.push({ type: "text", text: text.slice(at) });
      if (parts.some((part) => /\{[{%#]|[%#}]\}/.test(part.text ?? ""))) return null;
      return parts;
    }

    show(text, wantsAdvanced = false) {
      const content = this.contentOf(text);
      const isAdvanced = wantsAdvanced || !content;
      if (!isAdvanced) this.editor.commands.setContent({ type: "doc", content: [{ type: "paragraph", content }] }, { emitUpdate: false });
      this.box.hidden = isAdvanced;
      this.input.hidden = !isAdvanced;
      this.advanced?.setAttribute("aria-pressed", String(isAdvanced));
      return !isAdvanced;
    }

    toggle() {
      const isAdvanced = this.advanced.getAttribute("aria-pressed") === "true";
      const isShown = this.show(this.input.value, !isAdvanced);
      if (isAdvanced && !isShown) this.sayExample("This text has Jinja that the simple field cannot show.", true);
      if (isShown) this.editor.commands.focus("end"); else this.input.focus();
    }

    insert(source) {
      if (this.box.hidden) {
        this.input.setRangeText(`{{ ${source} }}`, this.input.selectionStart, this.input.selectionEnd, "end");
        this.input.dispatchEvent(new Event("input", { bubbles: true }));
        this.input.focus();
        this.fetchSoon();
      } else this.editor.chain().focus().insertContent({ type: "chip", attrs: { source } }).run();
    }

    insertText(text) {
      const line = text.replace(/\s+/g, " ");
      const content = this.contentOf(line) ?? [{ type: "text", text: line }];
      if (line) this.editor.chain().focus().insertContent(content).run();
    }

    mirror() {
      this.input.value = this.editor.getText();
      this.input.dispatchEvent(new Event("input", { bubbles: true }));
      this.dispatchEvent(new CustomEvent("template-field:change", { bubbles: true, detail: { name: this.input.name, value: this.input.value } }));
      this.fetchSoon();
    }

    fetchSoon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.fetchExample(), WAIT);
    }

    async fetchExample() {
      const address = this.dataset.example;
      if (!address) return;
      // The placeholder shows what an empty field becomes, until somebody is about to write.
      if (!this.input.value && this.input.placeholder && !this.contains(document.activeElement)) return;
      this.request?.abort();
      this.request = new AbortController();
      const query = new URLSearchParams({ template: this.input.value || this.dataset.usual || "", name: this.dataset.label });
      const url = `${address}${address.includes("?") ? "&" : "?"}${query}`;
      if (url.length > LONGEST_URL) { this.sayExample("This text is too long for an example.", false); return; }
      try {
        const response = await fetch(url, { signal: this.request.signal, headers: { Accept: "application/json" } });
        if (!response.ok) throw new Error(String(response.status));
        const { text, problem, note } = await response.json();
        if (problem) this.sayExample(problem, true);
        else this.showExample(text, note);
      } catch (problem) {
        if (problem.name !== "AbortError") this.sayExample("The example could not be loaded.", false);
      }
    }

    showExample(text, note) {
      const count = [...text].length;
      const shown = element("span", { class: "template-result", dir: "auto" }, text || "(empty)");
      const length = `${count} character${count === 1 ? "" : "s"}`;
      const hint = count > Number(this.dataset.longest || 70) ? `${length}: ${this.dataset.hint}` : length;
      this.example.classList.remove("error");
      this.example.replaceChildren("Example: ", shown, ` · ${hint}`, ...(note ? [` · ${note}`] : []));
    }

    sayExample(text, isError) {
      this.example.classList.toggle("error", isError);
      this.example.replaceChildren(text);
    }
  }

  if (!customElements.get("template-field")) customElements.define("template-field", TemplateField);
})();
