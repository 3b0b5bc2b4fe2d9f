/* The list that opens while one types @name, #channel or /command.
   Arrow keys choose, Enter or Tab takes, Escape closes. */
import { el, freshId } from "./dom.js";

const MOST = 8;

export class Suggestions {
  /* `source(sigil)` gives [{text, note}]: what may follow the sigil. */
  constructor(field, source, changed) {
    this.field = field;
    this.source = source;
    this.changed = changed;
    this.rows = [];
    this.chosen = 0;
    this.range = null;
    this.node = el("ul", {
      class: "suggestions",
      role: "listbox",
      id: freshId("suggestions"),
      "aria-label": "Suggestions",
      hidden: true,
    });
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.node.id);
    field.addEventListener("input", () => this.#look());
    field.addEventListener("click", () => this.#look());
    field.addEventListener("blur", () => this.close());
  }

  close() {
    this.node.hidden = true;
    this.rows = [];
    this.range = null;
    this.field.removeAttribute("aria-activedescendant");
  }

  #look() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const found = /(?:^|\s)([@#])([a-z0-9._-]*)$/i.exec(before) ?? /^(\/)([a-z0-9_-]*)$/i.exec(before);
    if (!found || this.field.selectionStart !== this.field.selectionEnd) return this.close();
    const [, sigil, typed] = found;
    const wanted = typed.toLowerCase();
    const rows = this.source(sigil).filter((row) => row.text.slice(1).toLowerCase().startsWith(wanted));
    this.rows = rows.slice(0, MOST);
    this.range = [before.length - typed.length - 1, before.length];
    this.chosen = 0;
    if (!this.rows.length) return this.close();
    this.#draw();
  }

  #draw() {
    this.node.hidden = false;
    this.node.replaceChildren(
      ...this.rows.map((row, index) =>
        el(
          "li",
          {
            role: "option",
            id: `${this.node.id}-${index}`,
            class: "suggestion",
            "aria-selected": index === this.chosen ? "true" : "false",
            on: {
              mousedown: (event) => {
                event.preventDefault();
                this.#take(index);
              },
            },
          },
          el("span", { class: "suggestion-text", text: row.text }),
          el("span", { class: "suggestion-note", text: row.note ?? "" }),
        ),
      ),
    );
    this.field.setAttribute("aria-activedescendant", `${this.node.id}-${this.chosen}`);
  }

  #take(index) {
    const [start, end] = this.range;
    const { value } = this.field;
    const text = `${this.rows[index].text} `;
    this.field.value = value.slice(0, start) + text + value.slice(end).replace(/^ /, "");
    this.field.setSelectionRange(start + text.length, start + text.length);
    this.close();
    this.changed();
  }

  /* True when the key was for the list. Enter on a word that is already complete is left to the composer: it sends. */
  key(event) {
    if (this.node.hidden) return false;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      this.chosen = (this.chosen + steps[event.key] + this.rows.length) % this.rows.length;
      this.#draw();
    } else if (event.key === "Escape") this.close();
    else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !this.#complete()))
      this.#take(this.chosen);
    else return false;
    event.preventDefault();
    return true;
  }

  #complete() {
    const typed = this.field.value.slice(...this.range).toLowerCase();
    return this.rows.some((row) => row.text.toLowerCase() === typed);
  }
}
