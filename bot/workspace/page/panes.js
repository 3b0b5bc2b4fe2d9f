/* The three places where things are read: the channel, the open thread, and the app's Home tab. */
import { renderBlocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { el, icon, iconButton } from "./dom.js";
import { emptyState } from "./layout.js";
import { MessageList } from "./list.js";
import { valuesOf } from "./modal.js";

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/* What stands in the channel itself, each with the replies below it, those among them that only this person sees. */
export function topLevel(messages) {
  const replies = new Map();
  for (const message of messages) {
    if (isReply(message)) replies.set(message.thread_ts, [...(replies.get(message.thread_ts) ?? []), message]);
  }
  return messages
    .filter((one) => !one.hidden && (!isReply(one) || one.subtype === "thread_broadcast"))
    .map((message) => ({ message, replies: replies.get(message.ts) }));
}

export function inThread(messages, ts) {
  return messages.filter((one) => one.ts === ts || one.thread_ts === ts).map((message) => ({ message }));
}

export class ChannelPane {
  constructor({ acts, source, send }) {
    this.list = new MessageList({ label: "Messages", acts, place: "channel" });
    this.status = statusLine();
    this.composer = new Composer({
      testid: "composer",
      label: "Message",
      source,
      hint: "Enter sends · Shift+Enter makes a line · @ mentions · / commands",
      send: (text) => send(text, null, this.composer),
    });
    this.node = el(
      "div",
      { class: "pane", data: { testid: "messages" } },
      this.list.node,
      this.status,
      this.composer.node,
    );
  }

  draw({ names, route, channel, messages, closed, statuses }) {
    this.composer.place(`${route.as}:${channel.id}`, {
      placeholder: `Message ${channel.is_im ? names.channel(channel.id) : `#${channel.name}`}`,
      closed,
    });
    drawStatus(this.status, statuses);
    if (!messages) return [];
    return this.list.show(`${route.as}:${channel.id}`, topLevel(messages), {
      names,
      closed,
      shortcuts: messageShortcuts(names),
      empty: () => emptyState({ names, channel, closed, fill: (text) => this.composer.fill(text) }),
    });
  }
}

export class ThreadPane {
  constructor({ acts, source, send, close }) {
    this.list = new MessageList({ label: "Thread", acts, place: "thread" });
    this.status = statusLine();
    this.about = el("span", { class: "channel-about" });
    this.composer = new Composer({
      testid: "thread-composer",
      label: "Reply",
      source,
      hint: "Enter sends · Shift+Enter makes a line",
      send: (text) => send(text, this.ts, this.composer),
    });
    this.node = el(
      "aside",
      {
        class: "thread",
        "aria-label": "Thread",
        hidden: true,
        data: { testid: "thread" },
        on: {
          keydown: (event) => {
            if (event.key === "Escape" && !event.defaultPrevented) close();
          },
        },
      },
      el(
        "header",
        { class: "main-head" },
        el("div", { class: "head-titles" }, el("h2", { class: "channel-title", text: "Thread" }), this.about),
        iconButton("close", "Close thread", close, { testid: "thread-close" }),
      ),
      this.list.node,
      this.status,
      this.composer.node,
    );
    this.ts = null;
  }

  draw({ names, route, channel, messages, closed, statuses }) {
    this.ts = route.thread;
    this.node.hidden = !route.thread;
    if (!route.thread) return [];
    this.about.textContent = channel.is_im ? names.channel(channel.id) : `#${channel.name}`;
    this.composer.place(`${route.as}:${channel.id}:${route.thread}`, { placeholder: "Reply…", closed });
    drawStatus(this.status, statuses);
    if (!messages) return [];
    const entries = inThread(messages, route.thread);
    const count = entries.filter((entry) => isReply(entry.message) && !entry.message.ephemeral_to).length;
    const divider = entries[0]?.message.ts === route.thread ? (count === 1 ? "1 reply" : `${count} replies`) : null;
    return this.list.show(`${route.as}:${channel.id}:${route.thread}`, entries, {
      names,
      closed,
      shortcuts: messageShortcuts(names),
      divider,
      empty: () => el("div", { class: "empty" }, el("p", { text: "This thread is gone." })),
    });
  }
}

const messageShortcuts = (names) => (names.boot.shortcuts ?? []).filter((one) => one.type === "message");

function statusLine() {
  return el("div", { class: "status-line", role: "status" });
}

function drawStatus(node, statuses) {
  const text = statuses.join(" · ");
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  node.replaceChildren(
    ...(text
      ? [el("span", { class: "thinking", "aria-hidden": "true" }, el("i"), el("i"), el("i")), el("span", { text })]
      : []),
  );
}

export class HomePane {
  constructor({ pick }) {
    this.pick = pick;
    this.signature = null;
    this.body = el("div", { class: "home-body" });
    this.node = el(
      "div",
      { class: "pane home", data: { testid: "home" }, hidden: true },
      el(
        "div",
        { class: "scroller", tabindex: "0", role: "region", "aria-label": "App Home" },
        this.body,
        el("div", { class: "notices", role: "alert" }),
      ),
    );
  }

  draw(view, names) {
    const signature = JSON.stringify([names.boot.me, view?.id, view?.hash, view?.blocks]);
    if (signature === this.signature) return;
    this.signature = signature;
    const inputs = new Map();
    const active = this.body.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
    const pick = (blockId, element, picked, node) =>
      this.pick({ view_id: view.id, values: valuesOf(inputs) }, blockId, element, picked, node);
    this.body.replaceChildren(...(view ? renderBlocks(view.blocks, { names, inputs, pick }) : [nothingYet(names)]));
    if (active) this.body.querySelector(`[data-action-id="${CSS.escape(active)}"]`)?.focus();
  }
}

function nothingYet(names) {
  return el(
    "div",
    { class: "empty" },
    el("span", { class: "avatar app large", "aria-hidden": "true" }, icon("check")),
    el("h2", { text: `${names.app.name ?? "The app"} has published no Home yet` }),
    el("p", { text: "An app fills this tab when it hears that somebody opened it." }),
  );
}
