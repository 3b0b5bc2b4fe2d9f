/* The page's root: who acts, where they are, what is read when. Every change of place goes through the address. */
import { Api, Stream, coalesced, inWords } from "./api.js";
import { announce, el, toast } from "./dom.js";
import { Gestures } from "./gestures.js";
import { Header, Sidebar, drawBanner, drawConnection } from "./layout.js";
import { authorOf } from "./message.js";
import { Modals } from "./modal.js";
import { plainOf } from "./mrkdwn.js";
import { Names } from "./names.js";
import { ChannelPane, HomePane, ThreadPane } from "./panes.js";
import { DEFAULT_CHANNEL, DEFAULT_PERSON, hashOf, readRoute } from "./route.js";

class App {
  constructor() {
    this.route = readRoute();
    this.unread = new Set();
    this.cache = new Map();
    this.refresh = coalesced(() => this.#readMessages());
    this.refreshViews = coalesced(() => this.#readViews());
    this.gestures = new Gestures(this);
    this.#build();
    window.addEventListener("hashchange", () => this.#moved());
  }

  /* What a message may ask for. */
  #messageActs() {
    const does = this.gestures;
    return {
      pick: (...picked) => does.onMessage(...picked),
      openThread: (message) => this.go({ thread: message.thread_ts ?? message.ts }, () => this.#write(this.thread)),
      edit: (message, text) => does.edit(message, text),
      remove: (message) => does.remove(message),
      shortcut: (one, message) => does.shortcut(one, message),
      refresh: () => this.draw(),
    };
  }

  #build() {
    const does = this.gestures;
    const pick = (...picked) => does.onView(...picked);
    this.sidebar = new Sidebar({
      actAs: (id) => this.go({ as: id }),
      goTo: (id) => this.go({ channel: id, thread: null, tab: null }, () => this.#write(this.channelPane)),
      openDm: () => this.#openDm(),
    });
    this.header = new Header({
      menu: () => this.#menu(),
      tab: (tab) => this.go({ tab: tab === "home" ? "home" : null, thread: null }),
      shortcut: (one) => does.shortcut(one),
    });
    const talk = {
      acts: this.#messageActs(),
      source: (sigil) => this.#suggest(sigil),
      send: (...said) => does.say(...said),
    };
    this.channelPane = new ChannelPane(talk);
    this.thread = new ThreadPane({ ...talk, close: () => this.#closeThread() });
    this.homePane = new HomePane({ pick });
    const panes = [this.header.node, this.channelPane.node, this.homePane.node];
    this.main = el("main", { class: "main", id: "main", tabindex: "-1" }, panes);
    this.scrim = el("div", { class: "scrim", on: { click: () => this.#menu(false) } });
    this.modals = new Modals(document.getElementById("modals"), {
      pick,
      submit: (viewId, values) => does.submit(viewId, values),
      close: (viewId) => does.close(viewId),
      refresh: () => this.refreshViews(),
    });
    announce("");
    document.querySelector("[data-skip]").addEventListener("click", (event) => {
      event.preventDefault();
      this.main.focus();
    });
  }

  /* ---- place ---- */

  get channel() {
    return this.names?.channels.get(this.route.channel) ?? null;
  }

  go(change, after = null) {
    this.#menu(false);
    this.after = after;
    const hash = hashOf({ ...this.route, ...change });
    if (hash === location.hash) this.#arrived();
    else location.hash = hash;
  }

  #moved() {
    const before = this.route;
    this.route = readRoute();
    if (before.as !== this.route.as) this.start();
    else this.#arrived();
  }

  #arrived() {
    if (!this.channel && this.names) this.#fallBack();
    this.unread.delete(this.route.channel);
    this.draw();
    this.after?.();
    this.after = null;
    if (this.route.tab === "home" && this.channel?.is_im) this.#openHome();
    this.refresh();
  }

  /* This person cannot see that place: the nearest one that they can. */
  #fallBack() {
    const { channels } = this.names;
    const next = channels.has(DEFAULT_CHANNEL) ? DEFAULT_CHANNEL : [...channels.keys()][0];
    this.route = { ...this.route, channel: next ?? "", thread: null, tab: null };
    history.replaceState(null, "", hashOf(this.route));
  }

  /* On a touch screen the focus would bring up the keyboard over what one came to read. */
  #write(pane) {
    if (matchMedia("(hover: hover)").matches) pane.composer.focus();
  }

  #closeThread() {
    const ts = this.route.thread;
    this.go({ thread: null }, () => (this.channelPane.list.find(ts) ?? this.channelPane.composer).focus());
  }

  async #openDm() {
    const known = [...this.names.channels.values()].find((one) => one.is_im);
    if (known) return this.go({ channel: known.id, thread: null, tab: null }, () => this.#write(this.channelPane));
    const answer = await this.api.slack("conversations.open", { users: this.names.app.bot_user_id });
    if (!answer.ok) return toast(inWords(answer.error));
    this.names.channels.set(answer.channel.id, { is_im: true, user: this.names.app.bot_user_id, ...answer.channel });
    return this.go({ channel: answer.channel.id, thread: null, tab: null });
  }

  async #openHome() {
    const answer = await this.api.gesture("open_home", {});
    if (!answer.ok) toast(inWords(answer.error));
    this.refreshViews();
  }

  #menu(open = !document.body.classList.contains("menu-open")) {
    document.body.classList.toggle("menu-open", open);
    this.header.menu.setAttribute("aria-expanded", String(open));
    if (open) this.sidebar.select.focus();
  }

  /* ---- reading ---- */

  async start() {
    const api = new Api(this.route.as);
    this.api = api;
    this.stream?.close();
    this.modals.clear();
    const boot = await api.boot();
    if (this.api !== api) return;
    this.closed = null;
    this.names = boot.ok ? new Names({ ...boot, me: this.route.as }) : await this.#outsider(boot.error);
    if (this.api !== api) return;
    if (!this.names) return this.#unreachable(api, boot.error);
    drawBanner(this.names.boot);
    document.getElementById("shell").replaceChildren(this.sidebar.node, this.scrim, this.main, this.thread.node);
    this.#arrived();
    if (this.closed) return;
    this.refreshViews();
    this.stream = new Stream(api.token, {
      onHint: (hint) => this.#hint(hint),
      onOpen: () => {
        drawConnection({ lost: false });
        this.refresh();
        this.refreshViews();
      },
      onLost: () => drawConnection({ lost: true }),
    });
  }

  /* Someone whom the workspace refuses (a deactivated person): the page still shows who they are
     and lets one switch. */
  async #outsider(error) {
    if (error === "workspace_unreachable") return null;
    const boot = await new Api(DEFAULT_PERSON).boot();
    if (!boot.ok) return null;
    this.closed = inWords(error);
    const channels = boot.channels.filter((one) => !one.is_im && !one.is_private);
    return new Names({ ...boot, channels, me: this.route.as });
  }

  #unreachable(api, error) {
    const note = el("p", { class: "boot-note", role: "alert", text: inWords(error) });
    document.getElementById("shell").replaceChildren(note);
    drawConnection({ lost: true });
    setTimeout(() => {
      if (this.api === api) this.start();
    }, 1500);
  }

  #hint(hint) {
    const elsewhere = hint.channel && hint.channel !== this.route.channel;
    if (hint.type === "reset") return this.start();
    if (hint.type === "listening") return drawConnection({ listening: hint.listening });
    if (hint.type === "view" || hint.type === "home") return this.refreshViews();
    if (!elsewhere) return this.refresh();
    if (hint.type === "message" && !this.unread.has(hint.channel)) {
      this.unread.add(hint.channel);
      this.draw();
    }
    return null;
  }

  async #readMessages() {
    const { api, channel } = this;
    if (!channel || !this.names || this.closed) return;
    const answer = await api.messages(channel.id);
    if (this.api !== api) return;
    if (answer.error === "workspace_unreachable") return drawConnection({ lost: true });
    const refusal = answer.ok ? null : inWords(answer.error);
    const { messages = [], statuses = [] } = answer;
    this.cache.set(`${this.route.as}:${channel.id}`, { messages, statuses, refusal });
    this.#watchStatuses(statuses);
    this.draw();
  }

  /* A status line dies by itself, and nothing tells of it. */
  #watchStatuses(statuses) {
    clearTimeout(this.statusTimer);
    if (statuses.length) this.statusTimer = setTimeout(() => this.refresh(), 30_000);
  }

  async #readViews() {
    if (this.closed) return;
    const { api } = this;
    const answer = await api.views();
    if (this.api !== api || !answer.ok || !this.names) return;
    this.home = answer.home ?? null;
    this.modals.sync(answer.modal_stack ?? [], this.names);
    this.homePane.draw(this.home, this.names);
  }

  findMessages(ts) {
    return [this.channelPane.list.find(ts), this.thread.list.find(ts)].filter(Boolean);
  }

  #suggest(sigil) {
    const { names } = this;
    if (sigil === "/")
      return (names.boot.commands ?? []).map((one) => ({
        text: one.command,
        note: [one.usage_hint, one.description].filter(Boolean).join(" — "),
      }));
    if (sigil === "#")
      return [...names.channels.values()]
        .filter((one) => !one.is_im)
        .map((one) => ({ text: `#${one.name}`, note: "" }));
    return names.mentionables().map((row) => ({ text: `@${row.handle}`, note: row.note }));
  }

  /* ---- drawing ---- */

  #whyClosed() {
    const me = this.names.users.get(this.route.as);
    const refusal = this.closed ?? this.cache.get(`${this.route.as}:${this.channel.id}`)?.refusal;
    if (refusal) return refusal;
    if (me?.deleted) return `${this.names.person(me.id)} is deactivated and cannot write.`;
    if (this.channel.is_archived) return "This channel is archived. Nobody can write here.";
    if (!this.channel.is_im && this.channel.is_member === false)
      return `${this.names.person(this.route.as)} is not a member of #${this.channel.name}.`;
    return null;
  }

  draw() {
    const { names, route, channel } = this;
    if (!names) return;
    this.sidebar.draw({ names, route, channel, unread: this.unread });
    this.header.draw({ names, channel, route });
    const home = route.tab === "home" && Boolean(channel?.is_im);
    this.homePane.node.hidden = !home;
    this.channelPane.node.hidden = home || !channel;
    document.body.classList.toggle("thread-open", Boolean(route.thread));
    if (!channel) return;
    const { messages = this.closed ? [] : null, statuses = [] } = this.cache.get(`${route.as}:${channel.id}`) ?? {};
    const lines = (thread) =>
      statuses
        .filter((one) => !thread || one.thread_ts === thread)
        .map((one) => `${names.app.name ?? "The app"} ${one.status}`);
    const place = { names, route, channel, messages, closed: this.#whyClosed() };
    const fresh = this.channelPane.draw({ ...place, statuses: lines(null) });
    const replies = this.thread.draw({ ...place, statuses: lines(route.thread) });
    this.#tell([...fresh, ...replies]);
  }

  /* For screen readers: what others have just written. */
  #tell(messages) {
    const said = messages.filter((one) => one.user !== this.route.as || one.bot_id);
    if (!said.length) return;
    announce(
      said
        .map((one) => `${authorOf(one, this.names).name}: ${plainOf(one.text ?? "", this.names).slice(0, 300)}`)
        .join(". "),
    );
  }
}

new App().start();
