/* Building DOM nodes. Text enters the page here and only as text nodes; no markup is ever parsed,
   and no inline style or inline listener is ever set. */

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    set(node, name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function set(node, name, value) {
  if (name === "class") node.className = value;
  else if (name === "text") node.textContent = value;
  else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  else if (name === "data") Object.assign(node.dataset, defined(value));
  else if (name === "value") node.value = value;
  else if (/^(on|style$|srcdoc$)/i.test(name)) throw new Error(`${name} may not be set from script`);
  else node.setAttribute(name, value === true ? "" : String(value));
}

function defined(record) {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined && value !== null));
}

let lastId = 0;
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/* A link leaves the page only over a scheme that cannot run script. */
export function safeUrl(url) {
  try {
    const parsed = new URL(String(url));
    return ["http:", "https:", "mailto:", "tel:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

export function link(url, ...label) {
  const href = safeUrl(url);
  if (!href) return el("span", { class: "dead-link", title: "This kind of link is not opened here" }, ...label);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", title: href, class: "link" }, ...label);
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  hash: "M6.5 2 5 14M11 2 9.5 14M2.5 5.5h11M2 10.5h11",
  lock: "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  chat: "M2.5 3h11v8H7l-3 2.5V11H2.5z",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  send: "M2.5 8 13.5 3 9.5 13.5 7.5 9z",
  reply: "M2.5 3h11v8H7l-3 2.5V11H2.5zM5.5 6h5M5.5 8.5h3",
  pencil: "M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4z",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  bolt: "M9 1.8 3.5 9H8l-1 5.2L12.5 7H8z",
  eye: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6",
  warn: "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.3v.4",
  down: "M8 3v9.5M4 8.8 8 12.6l4-3.8",
  check: "M3 8.5 6.5 12 13 4.5",
  globe:
    "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M1.8 8h12.4" +
    "M8 1.8c2 2 2.6 4 2.6 6.2S10 12.2 8 14.2C6 12.2 5.4 10.2 5.4 8S6 3.8 8 1.8",
  archive: "M2 3h12v3H2zM3 6v7.5h10V6M6.5 8.5h3",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onClick, data = {}) {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, data, on: { click: onClick } },
    icon(name),
  );
}

export function textButton(text, { style = "plain", type = "button", testid, click = () => {} }) {
  return el("button", { type, class: `button ${style}`, data: { testid }, text, on: { click } });
}

/* The polite live region lives in a closed shadow tree: what it repeats must not be found a second time on the page. */
let live = null;
export function announce(text) {
  if (!live) {
    live = el("div", { "aria-live": "polite" });
    document.getElementById("announcer").attachShadow({ mode: "closed" }).append(live);
  }
  live.textContent = text;
}

export function toast(text) {
  const area = document.getElementById("toasts");
  const note = el("div", { class: "toast", role: "alert" }, icon("warn"), el("span", { text }));
  note.append(iconButton("close", "Dismiss", () => note.remove()));
  area.append(note);
  setTimeout(() => note.remove(), 9000);
}
