// Draws a sign-up form where the script tag stands. No cookie, no storage, no third party.
// Options on the tag: data-newsletters="one,two" offers several, data-heading="…" says it otherwise.
function digestSignUp(facts) {
  const tag = document.currentScript;
  const says = facts.says;
  const host = document.createElement("div");
  host.lang = facts.language;
  host.dir = facts.direction;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(facts.style);
  root.adoptedStyleSheets = [sheet];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = () => {
    // A page that is always light says so with color-scheme; its form stays light with it.
    const schemes = getComputedStyle(tag.parentElement || document.body).colorScheme;
    const night = dark.matches && schemes.includes("dark");
    host.dataset.scheme = night ? "night" : "day";
    const palette = facts.colours[host.dataset.scheme];
    for (const [name, value] of Object.entries(palette)) host.style.setProperty(`--${name}`, value);
  };

  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const box = make("section", { class: "box", "aria-labelledby": "heading" });
  const heading = make("h2", { id: "heading" }, tag.dataset.heading || says.heading);
  const status = make("p", { class: "status", role: "status", tabindex: "-1" });

  if (facts.captcha) {
    box.append(make("iframe", { src: facts.frame, title: says.heading }));
    root.append(box);
    tag.before(host);
    return;
  }

  const email = make("input", {
    id: "email", name: "email", type: "email", required: "", autocomplete: "email",
    placeholder: "you@example.com", "aria-describedby": "small", dir: "ltr", maxlength: "254",
  });
  const button = make("button", {}, says.button);
  const honey = make("input", { name: facts.honeypot, tabindex: "-1", autocomplete: "off" });
  const choices = make("div", { class: "choices" });
  const small = make("p", { class: "small", id: "small" });
  const form = make("form", {},
    make("p", { class: "about" }, facts.name),
    choices,
    make("label", { for: "email" }, says.label),
    make("div", { class: "field" }, email, button),
    make("p", { class: "honey", "aria-hidden": "true" }, honey),
    small);
  box.append(heading, form, status);
  root.append(box);
  tag.before(host);
  colour();
  dark.addEventListener("change", colour);

  const wanted = (tag.dataset.newsletters || "").split(",").map((slug) => slug.trim()).filter(Boolean);
  let token = "";
  let sure = false;

  const ask = async (options) => {
    const answer = await fetch(facts.action, {
      credentials: "omit", headers: { Accept: "application/json" }, ...options,
    });
    return answer.json();
  };
  const ready = ask().then((told) => {
    token = told.token;
    small.textContent = told.wording;
    const offered = told.newsletters.filter((one) => wanted.includes(one.slug));
    if (offered.length < 2) return;
    choices.append(make("p", {}, says.choose));
    for (const one of offered) {
      const tick = make("input", { type: "checkbox", name: "newsletters", value: one.slug });
      tick.checked = one.slug === told.newsletter;
      choices.append(make("label", {}, tick, ` ${one.name}`));
    }
  });
  ready.catch(() => {});

  const pause = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));
  const send = async (again) => {
    await ready;
    const body = new URLSearchParams(new FormData(form));
    if (choices.children.length) body.set("choice", "1");
    body.set("token", token);
    if (sure) body.set("sure", "1");
    const told = await ask({ method: "POST", body });
    if (told.token) token = told.token;
    if (told.answer === "once-more" && again) {
      await pause(1800); // a form that waited too long, or was too quick: a new one, once
      return send(false);
    }
    return told;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = says.wait;
    try {
      const told = await send(true);
      sure = told.answer === "looks-odd";
      if (told.answer === "taken") {
        form.remove();
        status.textContent = says.taken;
        status.classList.add("done");
        status.focus();
      } else {
        status.textContent = told.message;
        email.focus();
      }
    } catch {
      const page = make("a", { href: facts.action }, facts.name);
      status.replaceChildren(`${says.trouble} `, page);
    }
    button.disabled = false;
  });
}
