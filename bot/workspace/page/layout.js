/* The frame of the page: banner labels, sidebar, channel header, Home tab.
   It draws what it is given and reports clicks. */
import { el, icon, iconButton } from "./dom.js";

export function drawBanner({ labels, listening }) {
  drawConnection({ listening });
  document
    .getElementById("labels")
    .replaceChildren(...(labels ?? []).map((text) => el("span", { class: "pill", text })));
}

/* `lost`: the page does not reach the workspace. `listening`: a bot is connected to it. */
const connection = { lost: false, listening: true };

export function drawConnection(change) {
  Object.assign(connection, change);
  const quiet = connection.listening ? "" : "No bot is connected: what is written now is heard later";
  document.getElementById("connection").textContent = connection.lost ? "Reconnecting…" : quiet;
}

/* Redraws only what changed, so that an open list and the focus stay. */
function unchanged(owner, ...parts) {
  const signature = JSON.stringify(parts);
  const same = owner.signature === signature;
  owner.signature = signature;
  return same;
}

/* `acts`: {actAs(id), goTo(channel), openDm(), openHome()} */
export class Sidebar {
  constructor(acts) {
    this.acts = acts;
    this.team = el("div", { class: "team-name" });
    this.select = el("select", {
      id: "act-as",
      class: "act-as",
      data: { testid: "act-as" },
      on: { change: () => acts.actAs(this.select.value) },
    });
    this.role = el("p", { class: "act-role", id: "act-role" });
    this.select.setAttribute("aria-describedby", "act-role");
    this.channels = el("ul", { class: "channel-list" });
    this.direct = el("ul", { class: "channel-list" });
    this.node = el(
      "nav",
      { class: "sidebar", id: "sidebar", "aria-label": "Workspace" },
      el("div", { class: "team" }, el("span", { class: "team-mark", "aria-hidden": "true" }, icon("check")), this.team),
      el("div", { class: "persona" }, el("label", { for: "act-as", text: "Acting as" }), this.select, this.role),
      el(
        "div",
        { class: "channel-scroll" },
        el("h2", { class: "side-title", text: "Channels" }),
        this.channels,
        el("h2", { class: "side-title", text: "Apps" }),
        this.direct,
      ),
      el("p", { class: "side-note", text: "Everything here stays on this machine." }),
    );
  }

  draw({ names, route, channel, unread }) {
    if (unchanged(this, names.boot, [...names.channels.values()], route.as, channel?.id, [...unread])) return;
    this.team.textContent = names.boot.team?.name ?? "Workspace";
    const option = ({ id }) => el("option", { value: id }, `${names.person(id)} — ${names.role(id)}`);
    this.select.replaceChildren(...names.people().map(option));
    this.select.value = route.as;
    this.role.textContent = `@${names.handle(route.as)} · ${names.role(route.as)}`;
    const all = [...names.channels.values()];
    this.channels.replaceChildren(
      ...all
        .filter((one) => !one.is_im)
        .map((one) =>
          this.#item({
            testid: `channel-${one.name}`,
            mark: channelIcon(one),
            text: one.name,
            note: channelNote(one),
            current: one.id === channel?.id,
            unread: unread.has(one.id),
            click: () => this.acts.goTo(one.id),
          }),
        ),
    );
    const dm = all.find((one) => one.is_im);
    this.direct.replaceChildren(
      this.#item({
        testid: "channel-dm",
        mark: "chat",
        text: names.app.name ?? "App",
        note: "direct message",
        badge: true,
        current: Boolean(channel?.is_im),
        unread: Boolean(dm && unread.has(dm.id)),
        click: () => this.acts.openDm(),
      }),
    );
  }

  #item({ testid, mark, text, note, badge, current, unread, click }) {
    const classes = ["channel", current && "current", unread && "unread"].filter(Boolean).join(" ");
    return el(
      "li",
      {},
      el(
        "button",
        {
          type: "button",
          class: classes,
          data: { testid },
          "aria-current": current ? "page" : undefined,
          on: { click },
        },
        icon(mark),
        el("span", { class: "channel-name", text }),
        badge ? el("span", { class: "badge", text: "APP" }) : null,
        note ? el("span", { class: "channel-note", text: note }) : null,
        unread ? el("span", { class: "dot" }, el("span", { class: "visually-hidden", text: "new messages" })) : null,
      ),
    );
  }
}

function channelIcon(channel) {
  if (channel.is_archived) return "archive";
  if (channel.is_ext_shared) return "globe";
  return channel.is_private ? "lock" : "hash";
}

function channelNote(channel) {
  if (channel.is_archived) return "archived";
  if (channel.is_ext_shared) return "shared";
  if (channel.is_private) return "private";
  return channel.is_member === false ? "not joined" : null;
}

/* `acts`: {menu(), tab(name), shortcut(one)} */
export class Header {
  constructor(acts) {
    this.acts = acts;
    this.title = el("h1", { class: "channel-title", tabindex: "-1" });
    this.note = el("span", { class: "channel-about" });
    this.tabs = el("div", { class: "tabs", role: "group", "aria-label": "App" });
    this.shortcuts = el("div", { class: "shortcuts" });
    this.menu = iconButton("menu", "Channels and people", () => acts.menu(), { testid: "menu" });
    this.menu.classList.add("menu-button");
    this.menu.setAttribute("aria-controls", "sidebar");
    this.node = el(
      "header",
      { class: "main-head" },
      this.menu,
      el("div", { class: "head-titles" }, this.title, this.note),
      this.tabs,
      this.shortcuts,
    );
  }

  draw({ names, channel, route }) {
    if (unchanged(this, names.boot, channel, route.tab)) return;
    const name = channel ? names.channel(channel.id) : "Nothing to show";
    this.title.replaceChildren(channel ? icon(channel.is_im ? "chat" : channelIcon(channel)) : "", name);
    this.note.textContent = channel ? about(channel, names) : "";
    this.tabs.hidden = !channel?.is_im || names.boot.home === false;
    this.tabs.replaceChildren(
      ...[
        ["messages", "Messages"],
        ["home", "Home"],
      ].map(([tab, text]) => {
        const current = (route.tab ?? "messages") === tab;
        return el("button", {
          type: "button",
          class: "tab",
          data: { testid: `tab-${tab}` },
          "aria-pressed": current ? "true" : "false",
          text,
          on: { click: () => this.acts.tab(tab) },
        });
      }),
    );
    const global = (names.boot.shortcuts ?? []).filter((one) => one.type === "global");
    this.shortcuts.replaceChildren(
      ...global.map((one) =>
        iconButton("bolt", one.name ?? one.callback_id, () => this.acts.shortcut(one), {
          role: `shortcut-${one.callback_id}`,
        }),
      ),
    );
    document.title = `${channel?.is_im ? "" : "#"}${name} · Local workspace — not Slack`;
  }
}

function about(channel, names) {
  if (channel.is_im) return `Direct message with ${names.app.name ?? "the app"}`;
  if (channel.is_archived) return "Archived: nobody can write here";
  if (channel.is_ext_shared) return "Shared with another company (Slack Connect)";
  if (channel.is_private) return "Private channel";
  return topicOf(channel) || "Public channel";
}

function topicOf(channel) {
  return typeof channel.topic === "string" ? channel.topic : channel.topic?.value;
}

const EXAMPLES = [
  "grant bob okta-prod-admins for 48h",
  "scale checkout to 6 replicas",
  "what is the status of checkout?",
  "deploy checkout 2.4.1 to production",
];

/* What to try where nothing has been said yet. */
export function emptyState({ names, channel, closed, fill }) {
  const app = names.app.name ?? "The app";
  const where = channel.is_im
    ? `This is your direct message with ${app}`
    : `Nothing has been said in #${channel.name} yet`;
  if (closed) return emptyNote("Nothing to see here", closed);
  if (channel.has_bot === false) {
    return emptyNote(where, `${app} is not in this channel, so it hears nothing that is said here.`);
  }
  const lead = channel.is_im ? "" : `@${names.handle(names.app.bot_user_id)} `;
  return el(
    "div",
    { class: "empty" },
    el("span", { class: "avatar app large", "aria-hidden": "true" }, icon("check")),
    el("h2", { text: where }),
    el("p", {
      text:
        `Ask ${app} for something. ` +
        "Safe actions run, forbidden ones do not, and risky ones ask the right people first.",
    }),
    el(
      "ul",
      { class: "examples", "aria-label": "Examples to try" },
      EXAMPLES.map((text) => example(lead + text, fill)),
    ),
    el("p", {
      class: "empty-note",
      text: "A click fills the box below; Enter sends it. Switch people at the left to approve as somebody else.",
    }),
  );
}

function emptyNote(title, text) {
  return el("div", { class: "empty" }, el("h2", { text: title }), el("p", { text }));
}

function example(text, fill) {
  const click = () => fill(text);
  return el(
    "li",
    {},
    el("button", { type: "button", class: "example", data: { testid: "example" }, text, on: { click } }),
  );
}
