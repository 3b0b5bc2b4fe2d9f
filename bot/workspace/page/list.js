/* Keeps a scrolling list of messages in step with what the workspace says, touching only what changed: focus, scroll
   position and what a person is typing inside a message stay as they are. */
import { el, icon } from "./dom.js";
import { messageNode } from "./message.js";
import { dayLabel, dayOf } from "./time.js";

const NEAR = 80;
const GROUP_SECONDS = 300;

export class MessageList {
  constructor({ label, acts, place }) {
    this.acts = acts;
    this.place = place;
    this.rows = new Map();
    this.key = null;
    this.inner = el("div", { class: "list" });
    this.scroller = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": label }, this.inner);
    this.jump = el(
      "button",
      { type: "button", class: "jump", hidden: true, on: { click: () => this.toEnd() } },
      icon("down"),
      "New messages",
    );
    this.node = el("div", { class: "list-wrap" }, this.scroller, this.jump);
    this.scroller.addEventListener(
      "scroll",
      () => {
        if (this.#nearEnd()) this.jump.hidden = true;
      },
      { passive: true },
    );
  }

  #nearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = true;
  }

  find(ts) {
    return this.rows.get(ts)?.node ?? null;
  }

  /* `key` says which conversation this is: another one starts at its end. `empty` is shown when there is nothing. */
  show(key, entries, { names, shortcuts, closed = null, empty = null, divider = null }) {
    const other = key !== this.key;
    if (other) this.#clear();
    this.key = key;
    const stick = other || this.#nearEnd();
    const known = new Set(this.rows.keys());
    this.#reconcile(this.#wanted(entries, { names, shortcuts, divider }));
    this.#empty(entries.length ? null : empty, JSON.stringify([closed, names.boot.me]));
    const fresh = entries.filter((entry) => !known.has(entry.message.ts));
    const mine = fresh.some((entry) => entry.message.user === names.boot.me && !entry.message.bot_id);
    if (stick || mine) this.toEnd();
    else if (fresh.length) this.jump.hidden = false;
    return other ? [] : fresh.map((entry) => entry.message);
  }

  #clear() {
    this.inner.replaceChildren();
    this.rows.clear();
    this.jump.hidden = true;
  }

  #empty(make, signature) {
    const shown = this.inner.querySelector(":scope > .empty");
    if (make && shown && this.emptySignature === signature) return;
    shown?.remove();
    if (make) this.inner.append(make());
    this.emptySignature = signature;
  }

  #wanted(entries, { names, shortcuts, divider }) {
    const wanted = [];
    let before = null;
    for (const { message, replies } of entries) {
      const newDay = this.place === "channel" && (!before || dayOf(before.ts) !== dayOf(message.ts));
      if (newDay)
        wanted.push({
          key: `day-${dayOf(message.ts)}`,
          signature: dayLabel(message.ts),
          make: () => rule(dayLabel(message.ts)),
        });
      const compact = !newDay && continues(before, message);
      wanted.push({
        key: message.ts,
        signature: JSON.stringify([message, compact, replies?.length, replies?.at(-1)?.ts, names.boot.me]),
        make: () => messageNode(message, { names, acts: this.acts, place: this.place, compact, replies, shortcuts }),
      });
      if (divider && !before) wanted.push({ key: "divider", signature: divider, make: () => rule(divider) });
      before = divider && !before ? { ...message, user: "nobody" } : message;
    }
    return wanted;
  }

  #reconcile(wanted) {
    const keep = new Set(wanted.map((row) => row.key));
    for (const [key, row] of this.rows) {
      if (keep.has(key)) continue;
      rescueFocus(row.node, this.scroller);
      row.node.remove();
      this.rows.delete(key);
    }
    let place = this.inner.firstElementChild;
    for (const row of wanted) {
      const node = this.#upToDate(
        row,
        () => {
          place = place?.nextElementSibling ?? null;
        },
        place,
      );
      if (node === place) place = place.nextElementSibling;
      else if (node.nextElementSibling !== place || node.parentElement !== this.inner)
        this.inner.insertBefore(node, place);
    }
  }

  #upToDate(row, stepOver, place) {
    const old = this.rows.get(row.key);
    if (old && (old.signature === row.signature || old.node.dataset.editing)) return old.node;
    const node = row.make();
    if (old) {
      if (old.node === place) stepOver();
      swap(old.node, node);
    }
    this.rows.set(row.key, { node, signature: row.signature });
    return node;
  }
}

function continues(before, message) {
  return (
    Boolean(before) &&
    before.user === message.user &&
    before.bot_id === message.bot_id &&
    !before.ephemeral_to &&
    !message.ephemeral_to &&
    !message.blocks?.length &&
    !before.blocks?.length &&
    Number(message.ts) - Number(before.ts) < GROUP_SECONDS
  );
}

function rule(text) {
  return el("div", { class: "rule", role: "separator", "aria-label": text }, el("span", { text }));
}

function swap(old, node) {
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(node);
  if (!active) return;
  const { actionId, role } = active.dataset;
  const again = actionId
    ? node.querySelector(`[data-action-id="${CSS.escape(actionId)}"]`)
    : role
      ? node.querySelector(`[data-role="${CSS.escape(role)}"]`)
      : null;
  (again ?? node).focus({ preventScroll: true });
}

function rescueFocus(node, scroller) {
  if (node.contains(document.activeElement)) scroller.focus({ preventScroll: true });
}
