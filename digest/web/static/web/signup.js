// Draws a sign-up form in place of the script tag. No cookie, no storage, no third party.
// Options on the tag: data-newsletters="one,two" offers several newsletters, data-heading="…" changes the heading.
function digestSignUp(options) {
  const tag = document.currentScript;
  const labels = options.labels;
  const box = make("section", { class: "box", "aria-labelledby": "heading" });
  const heading = make("h2", { id: "heading" }, tag.dataset.heading || labels.heading);
  const status = make("p", { class: "status", role: "status", tabindex: "-1" });

  if (options.captcha) {
    box.append(make("iframe", { src: options.frame, title: labels.heading }));
    show(tag, box, options);
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
  const form = make("form", {},
    make("p", { class: "about" }, options.name),
    choices,
    make("label", { for: "email" }, labels.email),
    make("div", { class: "field" }, email, button),
    make("p", { class: "honey", "aria-hidden": "true" }, honey),
    small);
  box.append(heading, form, status);
  show(tag, box, options);

  const offeredSlugs = (tag.dataset.newsletters || "").split(",").map((slug) => slug.trim()).filter(Boolean);
  let token = "";
  let sure = false;

  const request = async (init) => {
    const answer = await fetch(options.action, {
      credentials: "omit", headers: { Accept: "application/json" }, ...init,
    });
    return answer.json();
  };
  const ready = request().then((data) => {
    token = data.token;
    small.textContent = data.wording;
    const offered = data.newsletters.filter(({ slug }) => offeredSlugs.includes(slug));
    if (offered.length < 2) return;
    choices.append(make("p", {}, labels.choose));
    for (const { slug, name } of offered) {
      const tick = make("input", { type: "checkbox", name: "newsletters", value: slug });
      tick.checked = slug === data.newsletter;
      choices.append(make("label", {}, tick, ` ${name}`));
    }
  });
  ready.catch(() => {});

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const send = async (retry) => {
    await ready;
    const body = new URLSearchParams(new FormData(form));
    if (choices.children.length) body.set("choice", "1");
    body.set("token", token);
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
}
