/* Modals: a stack of <dialog>s that mirrors the workspace's stack of views; the confirm dialog is in confirm.js.
   What a person has typed outlives every update of the view, matched by block and action. */
import { inputKey, renderBlocks } from "./blocks.js";
import { el, iconButton, textButton } from "./dom.js";
import { plain } from "./elements.js";
import { inWords, NO_ACK } from "./api.js";

export class Modals {
  /* `acts`: {pick(target, block_id, element, picked, node), submit(view_id, values), close(view_id), refresh()} */
  constructor(host, acts) {
    this.host = host;
    this.acts = acts;
    this.open = new Map();
  }

  sync(views, names) {
    const wanted = new Set(views.map((view) => view.id));
    for (const [id, entry] of [...this.open].reverse()) {
      if (!wanted.has(id)) this.#drop(id, entry);
    }
    for (const view of views) this.#show(view, names);
  }

  clear() {
    for (const [id, entry] of [...this.open].reverse()) this.#drop(id, entry);
  }

  #drop(id, entry) {
    entry.dialog.close();
    entry.dialog.remove();
    this.open.delete(id);
  }

  #show(view, names) {
    const signature = JSON.stringify([view.hash, view.title, view.blocks, view.submit, view.close]);
    const entry = this.open.get(view.id);
    if (entry?.signature === signature) return;
    if (entry) this.#redraw(entry, view, names, signature);
    else this.#create(view, names, signature);
  }

  #create(view, names, signature) {
    const titleId = `title-${view.id}`;
    const dialog = el("dialog", {
      class: "modal",
      "aria-labelledby": titleId,
      data: { testid: "modal", viewId: view.id, callbackId: view.callback_id },
    });
    const entry = { dialog, view, signature, inputs: new Map(), titleId };
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#close(entry);
    });
    this.open.set(view.id, entry);
    dialog.append(this.#form(entry, names));
    this.host.append(dialog);
    dialog.showModal();
    focusFirst(entry);
  }

  #redraw(entry, view, names, signature) {
    const typed = readAll(entry.inputs);
    const focus = focusMark(entry.dialog);
    const top = entry.dialog.querySelector(".modal-scroll")?.scrollTop ?? 0;
    Object.assign(entry, { view, signature, inputs: new Map() });
    entry.dialog.replaceChildren(this.#form(entry, names));
    for (const [key, input] of entry.inputs) {
      if (typed[key]?.type === input.type) input.write(typed[key]);
    }
    entry.dialog.querySelector(".modal-scroll").scrollTop = top;
    if (entry.dialog.matches(":modal") && !restoreFocus(entry.dialog, focus)) focusFirst(entry);
  }

  #form(entry, names) {
    const { view } = entry;
    const pick = (blockId, element, picked, node) =>
      this.acts.pick({ view_id: view.id, values: valuesOf(entry.inputs) }, blockId, element, picked, node);
    const submit = view.submit
      ? textButton(plain(view.submit), { style: "primary", type: "submit", testid: "modal-submit" })
      : null;
    const send = (event) => {
      event.preventDefault();
      this.#submit(entry, submit);
    };
    return el(
      "form",
      { class: "modal-form", novalidate: true, on: { submit: send } },
      el(
        "header",
        { class: "modal-head" },
        el("h2", { id: entry.titleId, tabindex: "-1", dir: "auto", text: plain(view.title) }),
        iconButton("close", "Close window", () => this.#close(entry)),
      ),
      el(
        "div",
        { class: "modal-scroll", tabindex: "-1" },
        renderBlocks(view.blocks, { names, inputs: entry.inputs, pick }),
      ),
      el("div", { class: "notices", role: "alert" }),
      el(
        "footer",
        { class: "modal-foot" },
        el("span", { class: "modal-by", text: `${names.app.name ?? "App"} · local workspace` }),
        textButton(plain(view.close) || (view.submit ? "Cancel" : "Close"), {
          testid: "modal-close",
          click: () => this.#close(entry),
        }),
        submit,
      ),
    );
  }

  async #close(entry) {
    if (entry.closing) return;
    entry.closing = true;
    await this.acts.close(entry.view.id);
    entry.closing = false;
  }

  async #submit(entry, button) {
    if (!button || button.disabled) return;
    const problems = missing(entry.inputs);
    showErrors(entry, problems);
    notice(entry.dialog, null);
    if (Object.keys(problems).length) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    const answer = await this.acts.submit(entry.view.id, valuesOf(entry.inputs));
    button.disabled = false;
    button.removeAttribute("aria-busy");
    if (answer.ack === "no_ack") notice(entry.dialog, NO_ACK);
    else if (answer.response_action === "errors") showErrors(entry, answer.errors ?? {});
    else if (!answer.ok) notice(entry.dialog, inWords(answer.error));
    await this.acts.refresh();
  }
}

export function valuesOf(inputs) {
  const values = {};
  for (const input of inputs.values()) {
    const block = input.block.block_id;
    values[block] = { ...values[block], [input.element.action_id]: input.read() };
  }
  return values;
}

function readAll(inputs) {
  return Object.fromEntries([...inputs].map(([key, input]) => [key, input.read()]));
}

function missing(inputs) {
  const problems = {};
  for (const input of inputs.values()) {
    if (input.block.type !== "input") continue;
    const problem = input.empty()
      ? input.block.optional
        ? null
        : "Please complete this required field."
      : input.problem?.();
    if (problem) problems[input.block.block_id] = problem;
  }
  return problems;
}

/* Errors are keyed by block id; one that belongs to no input is shown at the foot, so that nothing is lost. */
function showErrors(entry, errors) {
  let first = null;
  const homeless = { ...errors };
  for (const input of entry.inputs.values()) {
    const id = input.block.block_id;
    const place = entry.dialog.querySelector(`[data-error-for="${CSS.escape(id)}"]`);
    if (!place) continue;
    place.textContent = errors[id] ?? "";
    if (errors[id]) input.node.setAttribute("aria-invalid", "true");
    else input.node.removeAttribute("aria-invalid");
    if (errors[id]) first ??= input.focus;
    delete homeless[id];
  }
  first?.focus();
  const rest = Object.values(homeless);
  if (rest.length) notice(entry.dialog, rest.join(" "));
}

export function notice(root, text) {
  const place = root?.querySelector(".notices");
  place?.replaceChildren(
    ...(text
      ? [
          el(
            "p",
            { class: "notice", data: { testid: "notice" } },
            el("span", { class: "warn-sign", "aria-hidden": "true" }, "⚠"),
            text,
          ),
        ]
      : []),
  );
}

function focusFirst(entry) {
  const first = [...entry.inputs.values()][0]?.focus ?? entry.dialog.querySelector("h2");
  first.focus();
}

function focusMark(dialog) {
  const active = document.activeElement;
  if (!active || !dialog.contains(active)) return null;
  const { blockId, actionId, testid } = active.dataset;
  const [start, end] = typeof active.selectionStart === "number" ? [active.selectionStart, active.selectionEnd] : [];
  return { key: actionId ? inputKey(blockId, actionId) : null, actionId, testid, start, end };
}

function restoreFocus(dialog, mark) {
  if (!mark) return false;
  const nodes = [...dialog.querySelectorAll("[data-action-id], [data-testid]")];
  const node =
    nodes.find((one) => mark.key && inputKey(one.dataset.blockId, one.dataset.actionId) === mark.key) ??
    nodes.find((one) => mark.actionId && one.dataset.actionId === mark.actionId) ??
    nodes.find((one) => mark.testid && one.dataset.testid === mark.testid);
  node?.focus();
  if (node && mark.start !== undefined && node.setSelectionRange) node.setSelectionRange(mark.start, mark.end);
  return Boolean(node);
}
