/* rich_text blocks to DOM nodes. Their text is never parsed: what it holds is what is shown. */
import { el, link } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { broadcastChip, channelChip, emojiNode, groupChip, userChip } from "./mrkdwn.js";
import { slackDate } from "./time.js";

export function richText(block, names) {
  return el(
    "div",
    { class: "rich", dir: "auto" },
    (block.elements ?? []).map((part) => richPart(part, names)),
  );
}

function richPart(part, names) {
  const inner = () => (part.elements ?? []).map((one) => richInline(one, names));
  switch (part.type) {
    case "rich_text_section":
      return el("div", { class: "rich-section" }, inner());
    case "rich_text_preformatted":
      return el("pre", { class: "pre" }, inner());
    case "rich_text_quote":
      return el("blockquote", { class: "quote" }, inner());
    case "rich_text_list":
      return richList(part, names);
    default:
      return el("div", { class: "unknown", text: `[${part.type}]` });
  }
}

function richList(part, names) {
  const indent = Math.min(Math.max(Number(part.indent) || 0, 0), 8);
  return el(
    part.style === "ordered" ? "ol" : "ul",
    {
      class: `rich-list indent-${indent}`,
      start: part.style === "ordered" && part.offset ? Number(part.offset) + 1 : undefined,
    },
    (part.elements ?? []).map((item) =>
      el(
        "li",
        {},
        (item.elements ?? []).map((one) => richInline(one, names)),
      ),
    ),
  );
}

function richInline(one, names) {
  return styled(bare(one, names), one.style);
}

function bare(one, names) {
  switch (one.type) {
    case "text":
      return document.createTextNode(one.text ?? "");
    case "link":
      return link(one.url, one.text || one.url);
    case "user":
      return userChip(one.user_id, names);
    case "usergroup":
      return groupChip(one.usergroup_id, names);
    case "channel":
      return channelChip(one.channel_id, names);
    case "broadcast":
      return broadcastChip(one.range ?? "channel");
    case "emoji":
      return emoji(one);
    case "date":
      return slackDate(one.timestamp, one.format, one.fallback ?? "");
    case "color":
      return el("code", { class: "code", text: one.value ?? "" });
    default:
      return document.createTextNode(one.text ?? `[${one.type}]`);
  }
}

function emoji(one) {
  const sign = emojiFor(one.name) ?? fromCodePoints(one.unicode);
  return sign ? emojiNode(one.name, sign) : document.createTextNode(`:${one.name}:`);
}

function fromCodePoints(unicode) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(unicode ?? "")) return null;
  const points = unicode.split("-").map((hex) => parseInt(hex, 16));
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : null;
}

const STYLE_TAGS = [
  ["code", "code"],
  ["bold", "strong"],
  ["italic", "em"],
  ["strike", "s"],
  ["underline", "u"],
];

function styled(node, style) {
  let out = node;
  for (const [name, tag] of STYLE_TAGS) {
    if (style?.[name]) out = el(tag, { class: tag === "code" ? "code" : undefined }, out);
  }
  return out;
}
