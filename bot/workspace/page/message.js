/* One message to one DOM node. What clicking does is given by `acts`; keeping the list in step is list.js. */
import { renderBlocks } from "./blocks.js";
import { el, icon, iconButton, textButton } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { ago, timeNode } from "./time.js";

export function authorOf(message, names) {
  const userId = message.user ?? (message.bot_id === names.app.bot_id ? names.app.bot_user_id : null);
  const bot = Boolean(message.bot_id || names.users.get(userId)?.is_bot || names.isApp(userId));
  const name = message.username ?? (userId ? names.person(userId) : (message.bot_profile?.name ?? "App"));
  return { userId, name, bot, app: names.isApp(userId) };
}

export function avatar(author) {
  const hue = [...(author.userId ?? author.name)].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 8, 7);
  const inner = author.app ? icon("check") : el("span", { text: [...author.name][0] ?? "?" });
  return el("span", { class: author.app ? "avatar app" : `avatar hue-${hue}`, "aria-hidden": "true" }, inner);
}

/* `acts`: {pick(message, block_id, element, picked, node), openThread, edit, remove, shortcut};
   `place`: "channel" | "thread". */
export function messageNode(message, { names, acts, place, compact, replies, shortcuts }) {
  const author = authorOf(message, names);
  const classes = ["message", compact && "compact", message.ephemeral_to && "ephemeral"].filter(Boolean).join(" ");
  const mine = author.userId === names.boot.me && !author.bot;
  const node = el("article", {
    class: classes,
    tabindex: "-1",
    "aria-label": `${author.name}${author.bot ? ", app" : ""}, ${ago(message.ts)}`,
    data: {
      testid: "message",
      ts: message.ts,
      user: author.userId,
      threadTs: message.thread_ts,
      ephemeral: message.ephemeral_to ? "true" : null,
    },
  });
  const content = el("div", { class: "content" }, contentOf(message, names, acts));
  node.append(
    el("div", { class: "gutter" }, compact ? timeNode(message.ts, { bare: true }) : avatar(author)),
    el(
      "div",
      { class: "message-body" },
      message.ephemeral_to ? el("div", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      compact ? null : header(message, author, names),
      content,
      el("div", { class: "notices", role: "status" }),
      replies?.length && place === "channel" ? threadLink(message, replies, names, acts) : null,
    ),
    toolbar(message, { mine, place, acts, names, node, content, shortcuts }) ?? "",
  );
  return node;
}

function header(message, author, names) {
  const role = author.bot || !author.userId ? null : names.role(author.userId);
  return el(
    "div",
    { class: "meta" },
    el("bdi", { class: "author", text: author.name }),
    author.bot ? el("span", { class: "badge", text: "APP" }) : null,
    role && role !== "member" ? el("span", { class: "role", text: role }) : null,
    timeNode(message.ts),
  );
}

function contentOf(message, names, acts) {
  const surface = { names, inputs: new Map(), pick: (...picked) => acts.pick(message, ...picked) };
  const edited = message.edited ? el("span", { class: "edited", text: "(edited)" }) : null;
  const blocks = message.blocks?.length ? renderBlocks(message.blocks, surface) : null;
  const text = !blocks && message.text ? mrkdwn(message.text, names) : null;
  if (text && edited) (text.lastElementChild ?? text).append(" ", edited);
  return [
    text,
    blocks,
    text ? null : edited,
    (message.attachments ?? []).map((one) => attachment(one, surface)),
    (message.files ?? []).map(file),
    message.reactions?.length ? reactions(message.reactions) : null,
  ];
}

const COLOURS = { good: "good", warning: "warning", danger: "danger" };

function attachment(one, surface) {
  const named = COLOURS[one.color] ?? "plain";
  return el(
    "div",
    { class: `attachment ${named}` },
    one.pretext ? mrkdwn(one.pretext, surface.names) : null,
    one.title ? el("div", { class: "attachment-title", text: one.title }) : null,
    one.text ? mrkdwn(one.text, surface.names) : null,
    renderBlocks(one.blocks, surface),
    !one.text && !one.blocks?.length && one.fallback ? el("div", { text: one.fallback }) : null,
  );
}

function file(one) {
  const alt = one.alt_txt || one.title || one.name || "File";
  const url = one.url_private ?? one.thumb_360 ?? "";
  const own = url.startsWith(`${location.origin}/`) || /^\/(?!\/)/.test(url);
  if (own && String(one.mimetype).startsWith("image/"))
    return el("figure", { class: "figure" }, el("img", { class: "block-image", src: url, alt }));
  return el(
    "div",
    { class: "file" },
    icon("archive"),
    el("span", {}, one.name ?? alt, one.size ? ` · ${one.size} bytes` : ""),
  );
}

function reactions(list) {
  return el(
    "div",
    { class: "reactions" },
    list.map((one) =>
      el(
        "span",
        { class: "reaction" },
        mrkdwn(`:${one.name}:`, { users: new Map() }),
        ` ${one.count ?? one.users?.length ?? 1}`,
      ),
    ),
  );
}

function threadLink(message, replies, names, acts) {
  const people = [
    ...new Map(
      replies.map((one) => authorOf(one, names)).map((author) => [author.userId ?? author.name, author]),
    ).values(),
  ];
  const open = replies.filter((one) => !one.ephemeral_to).length;
  const count = open === 1 ? "1 reply" : open ? `${open} replies` : "Thread";
  return el(
    "button",
    {
      type: "button",
      class: "thread-link",
      data: { testid: "thread-link", role: "thread" },
      on: { click: () => acts.openThread(message) },
    },
    el("span", { class: "faces" }, people.slice(0, 4).map(avatar)),
    el("span", { class: "count", text: count }),
    open < replies.length ? el("span", { class: "private-note" }, icon("eye"), "a note only for you") : null,
    el("span", { class: "last", text: `Last reply ${ago(replies.at(-1).ts)}` }),
  );
}

function toolbar(message, { mine, place, acts, names, node, content, shortcuts }) {
  const me = names.users.get(names.boot.me);
  const buttons = [];
  if (place === "channel" && !message.ephemeral_to) {
    buttons.push(
      iconButton("reply", "Reply in thread", () => acts.openThread(message), {
        testid: "reply-in-thread",
        role: "reply",
      }),
    );
  }
  for (const one of message.ephemeral_to ? [] : shortcuts) {
    buttons.push(
      iconButton("bolt", one.name ?? one.callback_id, () => acts.shortcut(one, message), {
        role: `shortcut-${one.callback_id}`,
      }),
    );
  }
  if (mine && !message.ephemeral_to)
    buttons.push(
      iconButton("pencil", "Edit message", () => editor(message, node, content, names, acts), { role: "edit" }),
    );
  if ((mine || me?.is_admin || me?.is_owner) && !message.ephemeral_to) {
    buttons.push(iconButton("trash", "Delete message", () => acts.remove(message), { role: "delete" }));
  }
  return buttons.length ? el("div", { class: "toolbar" }, buttons) : null;
}

/* While a message is being edited, list.js leaves its node alone. */
function editor(message, node, content, names, acts) {
  if (node.dataset.editing) return;
  const field = el("textarea", {
    class: "field",
    rows: 3,
    "aria-label": "Edit message",
    value: names.toTyped(message.text ?? ""),
  });
  const done = () => {
    delete node.dataset.editing;
    box.replaceWith(content);
    acts.refresh();
    node.focus();
  };
  const save = async () => {
    if (field.value.trim() && (await acts.edit(message, names.toWire(field.value.trim())))) done();
  };
  const keydown = (event) => {
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === field;
    if (!sends && event.key !== "Escape") return;
    event.preventDefault();
    if (sends) save();
    else done();
  };
  const buttons = [textButton("Cancel", { click: done }), textButton("Save", { style: "primary", click: save })];
  const box = el("div", { class: "editor", on: { keydown } }, field, el("div", { class: "actions" }, buttons));
  node.dataset.editing = "true";
  content.replaceWith(box);
  field.focus();
}
