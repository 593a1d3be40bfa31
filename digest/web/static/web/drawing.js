// What every script for other sites draws with.

// Makes an element.
function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// Shows a box in place of the script tag.
function show(tag, box, options) {
  tag.before(draw(tag, box, options));
}

// Returns an element that holds a box: with our styles alone, in colours that fit the page around it.
function draw(tag, box, options) {
  const host = make("div", { lang: options.language, dir: options.direction });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(options.style);
  root.adoptedStyleSheets = [sheet];
  root.append(box);
  const colour = () => {
    // Light text around the box means a dark background, whatever way the page has of being dark.
    const [red, green, blue] = pixel(getComputedStyle(tag === document.body ? tag : tag.parentElement || document.body).color);
    host.dataset.scheme = 0.3 * red + 0.59 * green + 0.11 * blue > 140 ? "night" : "day";
    const palette = options.colours[host.dataset.scheme];
    for (const [name, value] of Object.entries(palette)) host.style.setProperty(`--${name}`, value);
  };
  colour();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colour);
  return host;
}

// Returns red, green and blue of a computed colour. Of oklch(…) and the like, only a canvas knows them; it is not asked
// for others, as some browsers let canvases lie.
function pixel(colour) {
  if (colour.startsWith("rgb")) return colour.match(/[\d.]+/g).map(Number);
  const context = make("canvas", { width: "1", height: "1" }).getContext("2d");
  if (!context) return [0, 0, 0];
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}
