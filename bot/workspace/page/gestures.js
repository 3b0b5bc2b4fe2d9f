/* What a person does, turned into requests; refusals and missing answers are told where the person is looking. */
import { inWords, NO_ACK } from "./api.js";
import { confirmed } from "./confirm.js";
import { toast } from "./dom.js";
import { notice } from "./modal.js";

const CHOICES = [
  "selected_option",
  "selected_options",
  "selected_user",
  "selected_channel",
  "selected_conversation",
  "selected_date",
  "selected_time",
  "selected_date_time",
];

/* `app`: {api, names, route, refresh(), refreshViews(), findMessages(ts)} */
export class Gestures {
  constructor(app) {
    this.app = app;
  }

  /* A click on a message's or a view's element. Its control rests while the request is under way. */
  async #click(target, blockId, element, picked, node, show) {
    if (element.confirm && !(await confirmed(element.confirm, this.app.names))) return;
    const body = { ...target, block_id: blockId, action_id: element.action_id };
    if (element.type !== "button") {
      body.value = picked.value;
      for (const key of CHOICES) if (key in picked) body[key] = picked[key];
    }
    const hadFocus = document.activeElement === node || document.activeElement === document.body;
    show(null);
    busy(node, true);
    const answer = await this.app.api.gesture("click", body);
    busy(node, false);
    if (hadFocus && document.activeElement === document.body && node.isConnected) node.focus();
    if (answer.ack === "no_ack") show(NO_ACK);
    else if (!answer.ok) show(inWords(answer.error));
    this.app.refresh();
    this.app.refreshViews();
  }

  onMessage(message, blockId, element, picked, node) {
    const show = (text) => this.app.findMessages(message.ts).forEach((one) => notice(one, text));
    return this.#click(
      { channel: this.app.route.channel, message_ts: message.ts },
      blockId,
      element,
      picked,
      node,
      show,
    );
  }

  onView(target, blockId, element, picked, node) {
    const root = node.closest(".modal, .home");
    return this.#click(target, blockId, element, picked, node, (text) => notice(root, text));
  }

  async say(text, thread, composer) {
    const command = /^\/(\S+)\s*([\s\S]*)$/.exec(text);
    if (command) return this.#runCommand(`/${command[1]}`, command[2], thread, composer);
    const answer = await this.app.api.slack("chat.postMessage", {
      channel: this.app.route.channel,
      text: this.app.names.toWire(text),
      thread_ts: thread ?? undefined,
    });
    if (!answer.ok) composer.warn(inWords(answer.error));
    this.app.refresh();
    return Boolean(answer.ok);
  }

  async #runCommand(command, text, thread, composer) {
    if (thread) {
      composer.warn(`${command} cannot be used in a thread. Use it in the channel.`);
      return false;
    }
    const answer = await this.app.api.gesture("command", { channel: this.app.route.channel, command, text });
    if (answer.ack === "no_ack") composer.warn(`${command}: ${NO_ACK}`);
    else if (!answer.ok)
      composer.warn(
        answer.error === "unknown_command" ? `${command} is not a command of this workspace.` : inWords(answer.error),
      );
    this.app.refresh();
    this.app.refreshViews();
    return Boolean(answer.ok);
  }

  async edit(message, text) {
    const ok = told(await this.app.api.gesture("edit", { channel: this.app.route.channel, ts: message.ts, text }));
    this.app.refresh();
    return ok;
  }

  async remove(message) {
    const question = {
      title: { text: "Delete message?" },
      text: "It disappears for everybody. The app is told.",
      confirm: { text: "Delete" },
      style: "danger",
    };
    if (!(await confirmed(question, this.app.names))) return;
    told(await this.app.api.gesture("delete", { channel: this.app.route.channel, ts: message.ts }));
    this.app.refresh();
  }

  async shortcut(one, message = null) {
    const place = message ? { channel: this.app.route.channel, message_ts: message.ts } : {};
    const answer = await this.app.api.gesture("shortcut", { callback_id: one.callback_id, ...place });
    if (answer.ack === "no_ack") toast(NO_ACK);
    else told(answer);
    this.app.refreshViews();
  }

  submit(viewId, values) {
    return this.app.api.gesture("submit", { view_id: viewId, values });
  }

  async close(viewId) {
    const answer = await this.app.api.gesture("close", { view_id: viewId });
    if (!answer.ok && answer.error !== "view_not_found") toast(inWords(answer.error));
    await this.app.refreshViews();
  }
}

function told(answer) {
  if (!answer.ok) toast(inWords(answer.error));
  return Boolean(answer.ok);
}

/* A group of boxes has no `disabled` of its own. */
function busy(node, on) {
  const parts = "disabled" in node ? [node] : [...node.querySelectorAll("input")];
  for (const part of parts) part.disabled = on;
  node.toggleAttribute("data-busy", on);
}
