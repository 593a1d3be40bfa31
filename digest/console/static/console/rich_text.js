"use strict";
// <rich-text>: an editor for rich text (see docs/console-components.md). The page holds a plain text field, which stays without
// JavaScript; here Tiptap takes its place, with exactly the schema that digest/core/rich_text checks.
(() => {
  const READY = "rich-text:ready", CHANGE = "rich-text:change";
  const MAX_DEPTH = 10; // as in digest/core/rich_text/document.py
  const BUTTONS = [
    ["heading", "format_h2", "Heading", (chain) => chain.toggleHeading({ level: 2 }), ["heading", { level: 2 }]],
    ["subheading", "format_h3", "Subheading", (chain) => chain.toggleHeading({ level: 3 }), ["heading", { level: 3 }]],
    ["bold", "format_bold", "Bold (Ctrl+B)", (chain) => chain.toggleBold(), ["bold"]],
    ["italic", "format_italic", "Italic (Ctrl+I)", (chain) => chain.toggleItalic(), ["italic"]],
    ["link", "link", "Link (Ctrl+K)", null, ["link"]],
    ["bullets", "format_list_bulleted", "Bulleted list", (chain) => chain.toggleBulletList(), ["bulletList"]],
    ["numbers", "format_list_numbered", "Numbered list", (chain) => chain.toggleOrderedList(), ["orderedList"]],
    ["quote", "format_quote", "Quote", (chain, editor) => (editor.isActive("heading") ? chain.setParagraph() : chain).toggleBlockquote(), ["blockquote"]],
    ["picture", "image", "Picture", null, null],
    ["undo", "undo", "Undo (Ctrl+Z)", (chain) => chain.undo(), null],
    ["redo", "redo", "Redo (Ctrl+Shift+Z)", (chain) => chain.redo(), null],
  ];

  // The address that somebody means, or "" if it is not one that a mail may link to.
  function linkAddress(text) {
    text = text.trim();
    if (/^[^\s@:/?#]+@[^\s@/]+\.[^\s@/]+$/.test(text)) text = `mailto:${text}`;
    const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text);
    if (!hasScheme) text = `https://${text.replace(/^\/+/, "")}`;
    try {
      const url = new URL(text);
      if (url.protocol === "mailto:") return url.pathname.includes("@") ? text : "";
      if (!["http:", "https:"].includes(url.protocol) || !(hasScheme || url.hostname.includes("."))) return "";
      return text;
    } catch { return ""; }
  }

  const element = window.makeElement = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  // Tiptap is loaded once, when the first editor comes onto a page.
  let loading = null;
  window.loadTiptap = (src) => {
    loading ??= new Promise((resolve, reject) => {
      const script = element("script", { src });
      script.addEventListener("load", () => resolve(window.Tiptap));
      script.addEventListener("error", () => { loading = null; reject(new Error(src)); });
      document.head.append(script);
    });
    return loading;
  };

  // Pasted HTML without what could run; Word's lists, which are paragraphs with a bullet or number in front, become lists.
  function cleanHtml(html) {
    const page = new DOMParser().parseFromString(html.replace(/<!\[(?:if|endif)[^>]*>/gi, "").replace(/(<[^>]*?)\son[a-z]+\s*=/gi, "$1 data-was="), "text/html");
    for (const node of page.querySelectorAll("script, style, template, iframe, object, embed, svg, math, title")) node.remove();
    if (/mso-list/i.test(html)) readWordLists(page);
    for (const node of page.querySelectorAll(":is(blockquote, li) :is(h1, h2, h3, h4, h5, h6)")) {
      const paragraph = page.createElement("p");
      paragraph.append(...node.childNodes);
      node.replaceWith(paragraph);
    }
    for (const node of page.querySelectorAll(":is(blockquote, li) blockquote")) node.replaceWith(...node.childNodes);
    return page.body.innerHTML;
  }

  function readWordLists(page) {
    let list = null;
    for (const node of [...page.body.querySelectorAll("p, h1, h2, h3, h4, h5, h6, table, ul, ol")]) {
      if (!/mso-list\s*:\s*l\d/i.test(node.getAttribute("style") ?? "")) { list = null; continue; }
      const marker = [...node.querySelectorAll("span")].find((span) => /mso-list\s*:\s*ignore/i.test(span.getAttribute("style") ?? ""));
      const tag = /^\s*\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]/i.test(marker?.textContent ?? "") ? "ol" : "ul";
      marker?.remove();
      if (list?.localName !== tag) node.before(list = page.createElement(tag));
      const item = page.createElement("li");
      item.append(...node.childNodes);
      list.append(item);
      node.remove();
    }
  }

  function extensions(host) {
    const T = window.Tiptap, auto = { HTMLAttributes: { dir: "auto" } };
    const only = { content: "(paragraph | list)+" };
    const Heading = T.Heading.extend({
      parseHTML: () => [["h1", 2], ["h2", 2], ["h3", 3], ["h4", 3], ["h5", 3], ["h6", 3]].map(([tag, level]) => ({ tag, attrs: { level } })),
    });
    const OrderedList = T.OrderedList.extend({
      addAttributes: () => ({ start: { default: 1, parseHTML: (node) => Number.parseInt(node.getAttribute("start"), 10) || 1 } }),
    });
    const ListItem = T.ListItem.extend({
      content: "paragraph (paragraph | list)*",
      addKeyboardShortcuts() {
        const indent = () => this.editor.state.selection.$from.depth < MAX_DEPTH && this.editor.commands.sinkListItem(this.name);
        return { ...this.parent?.(), Tab: indent };
      },
    });
    const Link = T.Link.extend({
      inclusive: () => false,
      addAttributes: () => ({ href: { default: null, parseHTML: (node) => node.getAttribute("href") } }),
    }).configure({ openOnClick: false, defaultProtocol: "https", isAllowedUri: (url) => /^(https?|mailto):/i.test(url.trim()) && Boolean(linkAddress(url)) });
    return [
      T.Document, T.Text, T.Bold, T.Italic, T.HardBreak, T.ListKeymap, T.UndoRedo, ListItem, Link, imageNode(host),
      T.Paragraph.configure(auto), Heading.configure({ levels: [2, 3], ...auto }), T.BulletList.configure(auto), OrderedList.configure(auto),
      T.Blockquote.extend(only).configure(auto), T.Placeholder.configure({ placeholder: host.dataset.placeholder ?? "" }), shortcuts(host),
    ];
  }

  const shortcuts = (host) => window.Tiptap.Extension.create({
    name: "shortcuts",
    addKeyboardShortcuts: () => ({
      "Mod-k": () => { host.editLink(); return true; },
      "Alt-F10": () => { host.toolbar.querySelector("[tabindex='0']").focus(); return true; },
    }),
  });

  // A picture of the library, with its alternative text below it.
  const imageNode = (host) => window.Tiptap.Node.create({
    name: "image", group: "block", draggable: true,
    addAttributes: () => ({
      picture: { default: "", parseHTML: (node) => node.getAttribute("data-picture") },
      alt: { default: "", parseHTML: (node) => node.getAttribute("alt") ?? "" },
    }),
    parseHTML: () => [{ tag: "img[data-picture]" }],
    renderHTML: ({ node }) => ["img", { "data-picture": node.attrs.picture, alt: node.attrs.alt, src: host.pictureUrl(node.attrs.picture) }],
    addNodeView: () => ({ node, editor, getPos }) => pictureView(host, node, editor, getPos),
  });

  function pictureView(host, node, editor, getPos) {
    let current = node;
    const img = element("img", { alt: node.attrs.alt, draggable: "true" });
    const src = host.pictureUrl(node.attrs.picture);
    if (src) img.src = src;
    const alt = element("input", { type: "text", maxlength: "500", form: "", placeholder: "What the picture shows" });
    alt.value = node.attrs.alt;
    alt.disabled = !editor.isEditable;
    alt.addEventListener("input", (event) => {
      event.stopPropagation();
      editor.view.dispatch(editor.state.tr.setNodeMarkup(getPos(), undefined, { ...current.attrs, alt: alt.value }));
    });
    alt.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); editor.commands.focus(getPos() + current.nodeSize); } });
    const label = element("label", {}, "Alternative text ", alt);
    const dom = element("figure", { class: "rich-text-figure", contenteditable: "false" }, img, label);
    return {
      dom,
      stopEvent: (event) => label.contains(event.target),
      ignoreMutation: () => true,
      update(next) {
        if (next.type !== current.type || next.attrs.picture !== current.attrs.picture) return false;
        current = next;
        img.alt = next.attrs.alt;
        if (alt.value !== next.attrs.alt) alt.value = next.attrs.alt;
        return true;
      },
    };
  }

  // One dialog for the links of all editors on a page.
  let dialog = null;
  function linkDialog() {
    if (dialog?.isConnected) return dialog;
    const input = element("input", { type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", form: "", id: "rich-text-link", "aria-describedby": "rich-text-link-error" });
    const error = element("p", { class: "error", id: "rich-text-link-error", role: "alert" });
    const button = (name, text, style) => element("button", { type: "button", class: `button ${style}`, "data-do": name }, text);
    dialog = element("dialog", { class: "rich-text-dialog", "aria-labelledby": "rich-text-link-title" },
      element("h2", { id: "rich-text-link-title" }, "Link"),
      element("label", { for: "rich-text-link" }, "Web or email address"), input, error,
      element("div", { class: "actions" }, button("save", "Save link", "button-primary"), button("remove", "Remove link", "button-danger"), button("cancel", "Cancel", "")));
    (document.querySelector(".console") ?? document.body).append(dialog);
    return dialog;
  }

  // Resolves to an address, to "" for "remove the link", or to null.
  function askForLink(href) {
    const box = linkDialog(), input = box.querySelector("input"), error = box.querySelector(".error");
    input.value = href;
    error.textContent = "";
    box.querySelector("[data-do=remove]").hidden = !href;
    return new Promise((resolve) => {
      // At once, so that what is typed next comes after it: a dialog tells of its end later.
      const end = (answer) => {
        box.removeEventListener("click", click);
        box.removeEventListener("keydown", press);
        box.removeEventListener("input", typed);
        box.removeEventListener("close", cancel);
        box.close();
        resolve(answer);
      };
      const cancel = () => end(null);
      const save = () => {
        const address = linkAddress(input.value);
        if (address) return end(address);
        error.textContent = input.value.trim() ? "This is not a web address or email address. Links begin with https://, http:// or mailto:." : "Enter an address, such as https://example.org.";
        input.setAttribute("aria-invalid", "true");
        input.focus();
      };
      const click = ({ target }) => {
        const action = target.closest("[data-do]")?.dataset.do;
        if (action === "save") save();
        else if (action) end(action === "remove" ? "" : null);
      };
      const press = (event) => {
        event.stopPropagation();
        if (event.key === "Enter" && event.target === input) { event.preventDefault(); save(); }
      };
      const typed = (event) => { event.stopPropagation(); input.removeAttribute("aria-invalid"); };
      box.addEventListener("click", click);
      box.addEventListener("keydown", press);
      box.addEventListener("input", typed);
      box.addEventListener("close", cancel);
      box.showModal();
      input.select();
    });
  }

  class RichText extends HTMLElement {
    // The document as it would be saved.
    get document() { return JSON.parse(this.field?.value || this.dataset.document || "null"); }

    // Show another document, for example after an undo on the server; no change is reported.
    set document(value) {
      this.dataset.document = JSON.stringify(value);
      this.editor?.commands.setContent(value, { emitUpdate: false });
      this.mirror();
    }

    get name() { return this.field?.name ?? this.dataset.name; }

    pictureUrl(uuid) { return this.pictures[uuid] ?? ""; }

    connectedCallback() {
      if (this.editor || this.starting) return; // it was only moved
      this.starting = true;
      this.pictures = JSON.parse(this.dataset.pictures || "{}");
      window.loadTiptap(this.dataset.tiptap).then(() => this.start(), () => this.say("The editor could not be loaded. You can write plain text.")).finally(() => { this.starting = false; });
    }

    disconnectedCallback() {
      queueMicrotask(() => { if (!this.isConnected) this.stop(); });
    }

    start() {
      if (!this.isConnected) return;
      const text = this.querySelector("textarea");
      this.field = element("input", { type: "hidden", name: text?.name ?? this.dataset.name ?? "" });
      this.field.disabled = text?.disabled ?? false;
      this.surface = element("div", { class: "rich-text-surface" });
      this.box = element("div", { class: "rich-text-box" }, this.surface);
      text?.replaceWith(this.field);
      this.append(this.box);
      const isEditable = !this.field.matches(":disabled");
      this.editor = new window.Tiptap.Editor({
        element: this.surface, injectCSS: false, extensions: extensions(this), editable: isEditable,
        content: JSON.parse(this.dataset.document || "null"), enableContentCheck: false,
        editorProps: { attributes: this.attributesOfSurface(isEditable), transformPastedHTML: (html) => this.cleanPaste(html) },
        onUpdate: () => this.report(), onTransaction: () => this.showState(),
      });
      if (isEditable) this.box.prepend(this.toolbar = this.makeToolbar());
      this.querySelector("label, .rich-text-label")?.addEventListener("click", () => this.editor.commands.focus());
      this.mirror();
      this.showState();
      this.dispatchEvent(new CustomEvent(READY, { bubbles: true }));
    }

    stop() {
      if (!this.editor) return;
      this.dataset.document = this.field.value;
      this.editor.destroy();
      this.box.remove();
      this.editor = this.toolbar = null;
    }

    attributesOfSurface(isEditable) {
      const attributes = { class: "rich-text-content", role: "textbox", "aria-multiline": "true", dir: "auto", "aria-labelledby": this.dataset.labelledby ?? "" };
      if (this.dataset.describedby) attributes["aria-describedby"] = this.dataset.describedby;
      if (!isEditable) attributes["aria-readonly"] = "true";
      if (isEditable) attributes.tabindex = "0";
      return attributes;
    }

    makeToolbar() {
      const toolbar = element("div", { class: "rich-text-toolbar", role: "toolbar", "aria-label": "Formatting" });
      for (const [name, icon, title, , state] of BUTTONS) {
        if (name === "picture" && !window.pickPicture) continue;
        const sign = element("span", { class: "material-symbols-outlined", "aria-hidden": "true" }, icon);
        const button = element("button", { type: "button", class: "icon-button", "data-command": name, title, "aria-label": title.replace(/ \(.*/, ""), tabindex: "-1" }, sign);
        if (state) button.setAttribute("aria-pressed", "false");
        toolbar.append(button);
      }
      toolbar.firstChild.tabIndex = 0;
      toolbar.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
      toolbar.addEventListener("click", ({ target }) => { const button = target.closest("button"); if (button) this.run(button.dataset.command); });
      toolbar.addEventListener("keydown", (event) => this.moveInToolbar(event));
      return toolbar;
    }

    moveInToolbar(event) {
      const buttons = [...this.toolbar.children].filter((button) => !button.disabled), at = buttons.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (event.key === "Escape") this.editor.commands.focus();
      if (to === undefined) return;
      event.preventDefault();
      this.makeTabStop(buttons.at(to % buttons.length)).focus();
    }

    makeTabStop(button) {
      for (const other of this.toolbar.children) other.tabIndex = other === button ? 0 : -1;
      return button;
    }

    run(name) {
      if (name === "link") return this.editLink();
      if (name === "picture") return this.addPicture();
      const [, , , command] = BUTTONS.find(([key]) => key === name);
      command(this.editor.chain().focus(), this.editor).run();
    }

    async editLink() {
      const { editor } = this;
      const before = editor.getAttributes("link").href ?? "";
      const href = await askForLink(before);
      if (!this.editor) return;
      const chain = editor.chain().focus();
      if (href === null) { chain.run(); return; }
      if (before) chain.extendMarkRange("link");
      if (!href) chain.unsetMark("link").run();
      else if (editor.state.selection.empty && !before) chain.insertContent([{ type: "text", text: href.replace(/^mailto:/, ""), marks: [{ type: "link", attrs: { href } }] }]).run();
      else chain.setMark("link", { href }).run();
    }

    async addPicture() {
      const picture = await window.pickPicture({ publication: this.dataset.publication });
      if (!this.editor) return;
      if (!picture) { this.editor.commands.focus(); return; }
      this.pictures[picture.uuid] = picture.url;
      const node = { type: "image", attrs: { picture: picture.uuid, alt: picture.alt ?? "" } };
      this.editor.chain().focus().insertContentAt(this.blockEnd(), node).run();
    }

    // Where a picture goes: behind the block of the whole text that the cursor is in.
    blockEnd() {
      const { $to } = this.editor.state.selection;
      return $to.depth ? $to.after(1) : $to.pos;
    }

    cleanPaste(html) {
      if (/<img(?![^>]*data-picture)/i.test(html)) this.say("Pictures of the pasted text were left out. Add them from your picture library.");
      return cleanHtml(html);
    }

    // What the schema has no place for never gets here; attributes without a meaning for the mail go.
    mirror() { if (this.editor) this.field.value = JSON.stringify(this.editor.getJSON()); }

    report() {
      this.mirror();
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
      this.dispatchEvent(new CustomEvent(CHANGE, { bubbles: true, detail: { name: this.name, document: this.document } }));
    }

    showState() {
      if (!this.toolbar || !this.editor) return;
      for (const button of this.toolbar.children) {
        const [name, , , , state] = BUTTONS.find(([key]) => key === button.dataset.command);
        if (state) button.setAttribute("aria-pressed", String(this.editor.isActive(...state)));
        if (name === "undo" || name === "redo") button.setAttribute("aria-disabled", String(!this.editor.can()[name]()));
      }
    }

    say(text) {
      this.status ??= this.appendChild(element("p", { class: "muted", role: "status" }));
      this.status.textContent = text;
    }
  }

  if (!customElements.get("rich-text")) customElements.define("rich-text", RichText);
})();
