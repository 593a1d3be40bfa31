// Draws a sign-up form: that of a newsletter, or one that was designed. No cookie, no third party; a bar and a pop-up
// store that they were closed.
// Options on the tag: data-newsletters="one,two" offers several newsletters, data-heading="…" changes the heading.
function digestSignUp(options) {
  const tag = document.currentScript || options.tag;
  const { labels, design } = options;
  if (design && !design.newsletters.length) return; // none takes sign-ups now
  const box = make("section", { class: `box ${design ? `${design.kind} ${design.look}` : ""}`, "aria-labelledby": "heading" });
  const heading = make("h2", { id: "heading", dir: "auto" }, tag.dataset.heading || labels.heading);
  const status = make("p", { class: "status", role: "status", tabindex: "-1" });

  if (options.captcha) {
    const frame = make("iframe", { src: options.frame, title: labels.heading });
    box.append(frame);
    place(tag, box, options);
    if (design) {
      addEventListener("message", ({ source, data }) => {
        if (source && source === frame.contentWindow && data === "digest-accepted") remember(design);
      });
    }
    return;
  }

  const email = make("input", {
    id: "email", name: "email", type: "email", required: "", autocomplete: "email",
    placeholder: "you@example.com", "aria-describedby": "small", dir: "ltr", maxlength: "254",
  });
  const button = make("button", {}, labels.button);
  const honey = make("input", { name: options.honeypot, tabindex: "-1", autocomplete: "off" });
  const choices = make("div", { class: "choices" });
  const small = make("p", { class: "small", id: "small" });
  const form = make("form", { action: options.action, method: "post" },
    make("p", { class: "about", dir: "auto" }, design ? design.text : options.name),
    choices,
    ...(design ? questions(design, labels) : []),
    make("label", { for: "email" }, labels.email),
    make("div", { class: "field" }, email, button),
    make("p", { class: "honey", "aria-hidden": "true" }, honey),
    small);
  box.append(heading, form, status);
  place(tag, box, options);
  if (design && design.newsletters.length > 1) offer(design.newsletters, "");
  if (options.preview) {
    small.textContent = options.preview;
    form.addEventListener("submit", (event) => event.preventDefault());
    return;
  }

  const offeredSlugs = (tag.dataset.newsletters || "").split(",").map((slug) => slug.trim()).filter(Boolean);
  let token = "";
  let sure = false;

  const request = async (init) => {
    const answer = await fetch(options.action, {
      credentials: "omit", headers: { Accept: "application/json" }, ...init,
    });
    return answer.json();
  };
  let ready = null;
  const prepare = () => {
    ready = request().then((data) => {
      token = data.token;
      small.textContent = data.wording;
      const offered = data.newsletters.filter(({ slug }) => offeredSlugs.includes(slug));
      if (!design && offered.length > 1) {
        offer(offered, data.newsletter);
        small.textContent = data.wording_of_choice;
      }
    });
    ready.catch(() => { ready = null; }); // there may be a network again when somebody turns to the form
  };
  prepare();
  form.addEventListener("focusin", () => { if (!ready) prepare(); });

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const send = async (retry) => {
    if (!ready) prepare();
    await ready;
    const body = new URLSearchParams(new FormData(form));
    if (choices.children.length) body.set("choice", "1");
    body.set("token", token);
    body.set("page", location.href);
    if (sure) body.set("sure", "1");
    const outcome = await request({ method: "POST", body });
    if (outcome.token) token = outcome.token;
    if (outcome.answer === "retry" && retry) {
      await pause(1800); // the form was too old or too quick: try once more with a new token
      return send(false);
    }
    return outcome;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = labels.wait;
    try {
      const outcome = await send(true);
      sure = outcome.answer === "odd-address";
      if (outcome.answer === "accepted") {
        form.remove();
        if (design) remember(design);
        status.textContent = labels.accepted;
        status.classList.add("done");
        status.focus();
      } else {
        status.textContent = outcome.message;
        email.focus();
      }
    } catch {
      const page = make("a", { href: options.action }, options.name);
      status.replaceChildren(`${labels.trouble} `, page);
    }
    button.disabled = false;
  });

  // Lets visitors choose among newsletters.
  function offer(newsletters, chosen) {
    choices.setAttribute("role", "group");
    choices.setAttribute("aria-label", labels.choose);
    choices.append(make("p", {}, labels.choose));
    for (const { slug, name, description } of newsletters) {
      const tick = make("input", { type: "checkbox", name: "newsletters", value: slug });
      tick.checked = slug === chosen;
      const about = design && description ? [make("span", { class: "small", dir: "auto" }, description)] : [];
      choices.append(make("label", {}, tick, make("span", { dir: "auto" }, ` ${name}`), ...about));
    }
  }
}

// Makes the fields for what a designed form asks beside the address.
function questions(design, labels) {
  const label = (id, text) => make("label", { for: id, dir: "auto" }, `${text} `, make("span", { class: "small" }, `(${labels.optional})`));
  const fields = [];
  if (design.name) fields.push(label("name", labels.name), make("input", { id: "name", name: "name", maxlength: "200", autocomplete: "name", dir: "auto" }));
  for (const { name, label: text, type, choices } of design.questions) {
    const control = choices.length
      ? make("select", { id: name, name }, make("option", { value: "" }), ...choices.map(([value, shown]) => make("option", { value }, shown)))
      : make("input", { id: name, name, type, maxlength: "500", dir: "auto", ...(type === "number" ? { step: "any" } : {}) });
    fields.push(label(name, text), control);
  }
  for (const { name, newsletter, titles } of design.topics) {
    const legend = make("legend", {}, design.topics.length > 1 ? `${labels.topics}: ${newsletter}` : labels.topics);
    const ticks = titles.map((title) => make("label", {}, make("input", { type: "checkbox", name, value: title }), make("span", { dir: "auto" }, ` ${title}`)));
    fields.push(make("fieldset", { class: "choices" }, legend, ...ticks));
  }
  return fields;
}
