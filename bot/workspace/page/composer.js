/* Where a person types: one composer for the channel and one for the thread. It keeps a draft per person and place,
   and hands what is sent to `send(text)`, which says whether it went. Suggestions are in suggest.js. */
import { el, freshId, icon } from "./dom.js";
import { notice } from "./modal.js";
import { Suggestions } from "./suggest.js";

export class Composer {
  constructor({ testid, label, send, source, hint }) {
    this.send = send;
    this.key = null;
    const hintId = freshId("hint");
    this.field = el("textarea", {
      class: "composer-field",
      rows: 1,
      data: { testid },
      "aria-label": label,
      "aria-describedby": hintId,
      autocomplete: "off",
      spellcheck: "true",
    });
    this.button = el(
      "button",
      {
        type: "button",
        class: "send",
        data: { testid: `${testid}-send` },
        "aria-label": "Send",
        title: "Send (Enter)",
        disabled: true,
        on: { click: () => this.#send() },
      },
      icon("send"),
    );
    this.reason = el("p", { class: "composer-reason", hidden: true });
    this.suggestions = new Suggestions(this.field, source, () => this.#changed());
    this.box = el(
      "div",
      { class: "composer-box" },
      this.field,
      el("div", { class: "composer-bar" }, el("span", { class: "composer-hint", id: hintId, text: hint }), this.button),
    );
    this.node = el(
      "div",
      { class: "composer" },
      el("div", { class: "notices", role: "alert" }),
      this.suggestions.node,
      this.box,
      this.reason,
    );
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
  }

  /* `key` names person and place; `closed` says why nobody can write here. */
  place(key, { placeholder, closed = null }) {
    this.field.placeholder = placeholder;
    this.field.disabled = Boolean(closed);
    this.box.hidden = Boolean(closed);
    this.reason.hidden = !closed;
    this.reason.textContent = closed ?? "";
    if (key === this.key) return;
    this.key = key;
    notice(this.node, null);
    this.field.value = sessionStorage.getItem(`draft:${key}`) ?? "";
    this.#resize();
    this.suggestions.close();
  }

  fill(text) {
    this.field.value = text;
    this.#changed();
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
    this.suggestions.close();
  }

  focus() {
    this.field.focus();
  }

  warn(text) {
    notice(this.node, text);
  }

  #changed() {
    if (this.key) sessionStorage.setItem(`draft:${this.key}`, this.field.value);
    this.#resize();
  }

  #resize() {
    this.button.disabled = this.field.value.trim() === "";
    this.field.rows = Math.min(Math.max(this.field.value.split("\n").length, 1), 10);
  }

  #key(event) {
    if (event.isComposing || this.suggestions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.#send();
    }
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text) return;
    const key = this.key;
    this.suggestions.close();
    this.field.value = "";
    this.#changed();
    this.warn(null);
    if ((await this.send(text)) || this.key !== key || this.field.value) return;
    this.field.value = text;
    this.#changed();
  }
}
