/* Slack's mrkdwn, as it is stored (escaped, with <…> tokens), to DOM nodes.
   Everything unknown is shown as it was written. */
import { el, link } from "./dom.js";
import { emojiFor, withEmoji } from "./emoji.js";
import { unescapeText } from "./names.js";
import { slackDate } from "./time.js";

export function mrkdwn(source, names, { autolink = true } = {}) {
  const ctx = { names, autolink };
  const out = el("div", { class: "mrkdwn", dir: "auto" });
  for (const [index, part] of String(source)
    .split(/```([\s\S]*?)```/)
    .entries()) {
    if (index % 2) out.append(el("pre", { class: "pre" }, tokensOnly(part.replace(/^\n/, "").replace(/\n$/, ""), ctx)));
    else if (part) out.append(...lines(part, ctx));
  }
  return out;
}

function lines(text, ctx) {
  const nodes = [];
  let quote = null;
  const rows = trimOuter(text).split("\n");
  for (const [index, row] of rows.entries()) {
    const quoted = /^(?:&gt;|>)\s?(.*)$/.exec(row);
    if (quoted) {
      if (!quote) nodes.push((quote = el("blockquote", { class: "quote" })));
      quote.append(el("div", { class: "line" }, inline(quoted[1], ctx)));
      continue;
    }
    quote = null;
    const item = /^(\s*)([•◦▪-]|\d{1,3}[.)])\s+(.*)$/.exec(row);
    if (item)
      nodes.push(
        el(
          "div",
          { class: item[1].length > 1 ? "line item deep" : "line item" },
          el("span", { class: "marker", text: item[2] }),
          el("span", {}, " ", inline(item[3], ctx)),
        ),
      );
    else if (row || index < rows.length - 1)
      nodes.push(el("div", { class: row ? "line" : "line gap" }, inline(row, ctx)));
  }
  return nodes;
}

function trimOuter(text) {
  return text.replace(/^\n/, "").replace(/\n$/, "");
}

/* Styles may nest; code may not. A marker counts only at the edge of a word, as in Slack. */
const STYLES = [
  { mark: "*", tag: "strong" },
  { mark: "_", tag: "em" },
  { mark: "~", tag: "s" },
];
const WORD = /[\p{L}\p{N}]/u;

export function inline(text, ctx) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(...plainNodes(plain, ctx));
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const found = tokenAt(text, at, ctx) ?? codeAt(text, at, ctx) ?? styleAt(text, at, ctx) ?? emojiAt(text, at);
    if (!found) {
      plain += text[at];
      at += 1;
      continue;
    }
    flush();
    nodes.push(found.node);
    at = found.end;
  }
  flush();
  return nodes;
}

function codeAt(text, at, ctx) {
  if (text[at] !== "`") return null;
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1) return null;
  return { node: el("code", { class: "code" }, tokensOnly(text.slice(at + 1, end), ctx)), end: end + 1 };
}

function styleAt(text, at, ctx) {
  const style = STYLES.find((one) => one.mark === text[at]);
  if (!style || (at > 0 && (WORD.test(text[at - 1]) || text[at - 1] === style.mark))) return null;
  if (!text[at + 1] || /\s/.test(text[at + 1]) || text[at + 1] === style.mark) return null;
  for (let end = text.indexOf(style.mark, at + 2); end !== -1; end = text.indexOf(style.mark, end + 1)) {
    const after = text[end + 1];
    if (/\s/.test(text[end - 1]) || (after && (WORD.test(after) || after === style.mark))) continue;
    return { node: el(style.tag, {}, inline(text.slice(at + 1, end), ctx)), end: end + 1 };
  }
  return null;
}

function emojiAt(text, at) {
  if (text[at] !== ":") return null;
  const match = /^:([a-z0-9_+-]{1,60}):/.exec(text.slice(at, at + 64));
  const sign = match && emojiFor(match[1]);
  return sign ? { node: emojiNode(match[1], sign), end: at + match[0].length } : null;
}

export function emojiNode(name, sign) {
  return el("span", {
    class: "emoji",
    role: "img",
    "aria-label": name.replaceAll("_", " "),
    title: `:${name}:`,
    text: sign,
  });
}

function tokenAt(text, at, ctx) {
  if (text[at] !== "<") return null;
  const end = text.indexOf(">", at);
  if (end === -1 || text.slice(at + 1, end).includes("<")) return null;
  const node = token(text.slice(at + 1, end), ctx);
  return node ? { node, end: end + 1 } : null;
}

/* Code keeps its characters, but Slack resolves <…> tokens even there. */
function tokensOnly(text, ctx) {
  const nodes = [];
  for (const part of text.split(/(<[^<>\n]+>)/)) {
    const node = part.startsWith("<") && part.endsWith(">") ? token(part.slice(1, -1), ctx) : null;
    nodes.push(node ?? unescapeText(part));
  }
  return nodes;
}

function token(body, ctx) {
  const bar = body.indexOf("|");
  const head = bar === -1 ? body : body.slice(0, bar);
  const label = bar === -1 ? null : unescapeText(body.slice(bar + 1));
  if (head.startsWith("@")) return userChip(head.slice(1), ctx.names, label);
  if (head.startsWith("#")) return channelChip(head.slice(1), ctx.names, label);
  if (head.startsWith("!")) return special(head.slice(1), label, ctx.names);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(head)) return null;
  const url = unescapeText(head);
  return link(url, label ? withEmoji(label) : url.replace(/^(mailto|tel):/, ""));
}

function special(head, label, names) {
  if (["here", "channel", "everyone"].includes(head)) return broadcastChip(head);
  if (head.startsWith("subteam^")) return groupChip(head.slice(8), names, label);
  if (head.startsWith("date^")) {
    const [, ts, format, url] = head.split("^");
    const node = slackDate(ts, format, label ?? "");
    return url ? link(unescapeText(url), node) : node;
  }
  return el("span", { text: label ?? `<!${head}>` });
}

export function userChip(id, names, label = null) {
  const known = names.users.has(id) || names.isApp(id);
  const mine = id === names.boot.me;
  return el(
    "span",
    { class: mine ? "mention mine" : "mention", data: { userId: id } },
    `@${known ? names.handle(id) : (label ?? id)}`,
  );
}

export function channelChip(id, names, label = null) {
  const known = names.channels.get(id);
  return el(
    "a",
    { class: "mention", href: known ? `#as=${names.boot.me}&channel=${id}` : undefined },
    `#${known?.name ?? label ?? id}`,
  );
}

export function groupChip(id, names, label = null) {
  const group = names.groups.get(id);
  const mine = group?.users?.includes(names.boot.me);
  return el("span", { class: mine ? "mention mine" : "mention" }, group ? `@${group.handle}` : (label ?? `@${id}`));
}

export function broadcastChip(range) {
  return el(
    "span",
    { class: "mention broadcast", title: `This notifies the whole ${range === "here" ? "active channel" : "channel"}` },
    `@${range}`,
  );
}

/* Bare URLs become links, as Slack does unless the text is verbatim. */
function plainNodes(escaped, ctx) {
  if (!ctx.autolink) return [unescapeText(escaped)];
  return escaped
    .split(/(https?:\/\/[^\s<>|*~`]+[^\s<>|*~`.,;:!?)\]}'"])/)
    .map((part, index) => {
      const text = unescapeText(part);
      return index % 2 ? link(text, text) : text;
    })
    .filter((node) => node !== "");
}

/* For announcements: what a screen reader should say, without markers and tokens. */
export function plainOf(source, names) {
  return mrkdwn(source, names).textContent.replace(/\s+/g, " ").trim();
}
