// Draws a list of articles or an appeal in place of the script tag. No cookie, no storage, no third party.
// Options on the tag: data-heading="…" changes the heading, data-count="3" the number of articles (5; 10 at most).
function digestEmbed(options) {
  const tag = document.currentScript;
  const canonical = document.querySelector('link[rel="canonical"]');
  const here = [location.href, canonical ? canonical.href : ""].map((url) => url.split("#")[0]);
  // What follows "?" names the article on some sites, and counts visits on others.
  const isHere = (url) => here.some((page) => page === url || page.split("?")[0] === url);
  const others = options.articles.filter(({ url }) => !isHere(url.split("#")[0]));
  const count = Math.min(Number.parseInt(tag.dataset.count, 10) || 5, 10);
  if (!others.length && !options.url) return;

  const item = ({ url, title, section }) => make("li", {}, make("div", {},
    make("a", { href: url, dir: "auto" }, title),
    ...(section ? [make("p", { class: "kicker", dir: "auto" }, section)] : [])));
  const heading = make("h2", { id: "heading", dir: "auto" }, tag.dataset.heading || options.heading);
  const box = make("section", { class: `embed ${options.kind}`, "aria-labelledby": "heading" }, heading);
  if (others.length) box.append(make("ol", {}, ...others.slice(0, count).map(item)));
  for (const paragraph of options.paragraphs) box.append(make("p", { dir: "auto" }, paragraph));
  if (options.url) {
    box.append(make("p", {}, make("a", { class: "button", href: options.url, dir: "auto" }, options.button || options.heading)));
  }
  show(tag, box, options);
}
