/* Block Kit layout blocks to DOM nodes, for messages, modals and the Home tab. Form controls are in elements.js;
   who acts on a pick is given by the caller as `surface.pick(block_id, element, picked, node)`. */
import { el, freshId } from "./dom.js";
import { control, plain } from "./elements.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText } from "./richtext.js";

/* `surface`: {names, pick, inputs?: Map}. Controls that hold a value are filed in `inputs` under inputKey(). */
export function renderBlocks(blocks, surface) {
  return (blocks ?? []).map((block) => renderBlock(block, surface));
}

export const inputKey = (blockId, actionId) => JSON.stringify([blockId, actionId]);

export function textNode(text, names) {
  if (!text) return el("span");
  if (typeof text === "string") return mrkdwn(text, names);
  if (text.type === "mrkdwn") return mrkdwn(text.text, names, { autolink: !text.verbatim });
  return el("span", { class: "plain-text", dir: "auto", text: plain(text) });
}

function renderBlock(block, surface) {
  const node = bare(block, surface);
  if (block.block_id) node.dataset.blockId = block.block_id;
  node.classList.add("block");
  return node;
}

function bare(block, surface) {
  switch (block.type) {
    case "header":
      return el("h3", { class: "block-header", dir: "auto", text: plain(block.text) });
    case "section":
      return section(block, surface);
    case "context":
      return context(block, surface);
    case "divider":
      return el("hr", { class: "divider" });
    case "actions":
    case "context_actions":
      return actions(block, surface);
    case "image":
      return image(block);
    case "rich_text":
      return richText(block, surface.names);
    case "markdown":
      return markdown(block.text, surface.names);
    case "input":
      return input(block, surface);
    case "table":
      return table(block, surface);
    case "alert":
      return el("div", { class: `alert ${alertLevel(block)}` }, textNode(block.text, surface.names));
    default:
      return unknown(block);
  }
}

const alertLevel = (block) => (["warning", "error", "success", "info"].includes(block.level) ? block.level : "info");

function made(element, block, surface) {
  const ctx = {
    names: surface.names,
    blockId: block.block_id,
    dispatches: block.type !== "input" || block.dispatch_action,
    text: (text) => textNode(text, surface.names),
    onPick: (picked, value, node) => {
      if (block.type !== "input" || block.dispatch_action) surface.pick(block.block_id, picked, value, node);
    },
  };
  if (element.type === "feedback_buttons") return feedback(element, ctx);
  const built = control(element, ctx);
  if (built?.read) surface.inputs?.set(inputKey(block.block_id, element.action_id), { ...built, block, element });
  return built;
}

function feedback(element, ctx) {
  const both = [element.positive_button, element.negative_button]
    .filter(Boolean)
    .map((one) => control({ type: "button", action_id: element.action_id, ...one }, ctx).node);
  return { node: el("span", { class: "feedback" }, both) };
}

function interactive(element, block, surface) {
  if (element.type === "image") return picture(element, "accessory-image");
  return made(element, block, surface)?.node ?? unknown(element);
}

function section(block, surface) {
  const body = el("div", { class: "section-body" });
  if (block.text) body.append(textNode(block.text, surface.names));
  if (block.fields?.length) {
    body.append(
      el(
        "div",
        { class: "fields" },
        block.fields.map((field) => el("div", { class: "field-cell" }, textNode(field, surface.names))),
      ),
    );
  }
  const accessory = block.accessory && el("div", { class: "accessory" }, interactive(block.accessory, block, surface));
  return el("div", { class: "section" }, body, accessory);
}

function context(block, surface) {
  return el(
    "div",
    { class: "context" },
    (block.elements ?? []).map((one) =>
      one.type === "image" ? picture(one, "context-image") : textNode(one, surface.names),
    ),
  );
}

function actions(block, surface) {
  return el(
    "div",
    { class: "actions" },
    (block.elements ?? []).map((one) => interactive(one, block, surface)),
  );
}

/* Only pictures that the workspace itself holds are loaded: the policy of the page forbids all other hosts. */
function picture(one, className) {
  const url = one.image_url ?? one.slack_file?.url ?? "";
  const own = url.startsWith("data:image/") || url.startsWith(`${location.origin}/`) || /^\/(?!\/)/.test(url);
  if (own) return el("img", { class: className, src: url, alt: one.alt_text ?? "", loading: "lazy" });
  return el(
    "span",
    { class: `picture-note ${className}-note`, role: "img", "aria-label": one.alt_text ?? "Picture", title: url },
    `Picture: ${one.alt_text || "no description"}`,
  );
}

function image(block) {
  const title = block.title ? el("figcaption", { class: "caption", text: plain(block.title) }) : null;
  return el("figure", { class: "figure" }, title, picture(block, "block-image"));
}

function input(block, surface) {
  const built = made(block.element ?? {}, block, surface);
  if (!built) return unknown(block.element ?? block);
  const [labelId, hintId, errorId] = [freshId("label"), freshId("hint"), freshId("error")];
  built.node.setAttribute("aria-labelledby", labelId);
  built.node.setAttribute("aria-describedby", block.hint ? `${hintId} ${errorId}` : errorId);
  if (!block.optional && !built.group) built.node.setAttribute("aria-required", "true");
  const label = el(
    built.group ? "span" : "label",
    { id: labelId, class: "input-label" },
    plain(block.label),
    block.optional ? el("span", { class: "optional", text: " (optional)" }) : null,
  );
  if (!built.group) {
    built.node.id = freshId("field");
    label.setAttribute("for", built.node.id);
  }
  return el(
    "div",
    { class: "input" },
    label,
    built.node,
    el("div", { id: errorId, class: "input-error", data: { errorFor: block.block_id } }),
    block.hint ? el("div", { id: hintId, class: "hint", text: plain(block.hint) }) : null,
  );
}

function cell(one, names) {
  if (one.type === "rich_text") return richText(one, names);
  return el("span", { text: one.text ?? String(one.value ?? "") });
}

function table(block, surface) {
  const [head, ...rows] = block.rows ?? [];
  const row = (tag, cells) =>
    el(
      "tr",
      {},
      (cells ?? []).map((one) => el(tag, { scope: tag === "th" ? "col" : undefined }, cell(one, surface.names))),
    );
  return el(
    "div",
    { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
    el(
      "table",
      { class: "table" },
      el("thead", {}, row("th", head)),
      el(
        "tbody",
        {},
        rows.map((cells) => row("td", cells)),
      ),
    ),
  );
}

function unknown(block) {
  return el(
    "details",
    { class: "unknown" },
    el("summary", { text: `“${block.type}” is not drawn in the local workspace` }),
    el("pre", { class: "pre", text: JSON.stringify(block, null, 2) }),
  );
}
