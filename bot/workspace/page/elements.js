/* Block Kit's interactive elements to form controls. A control knows how to read itself (`read`), how to be set to what
   a person had already entered (`write`), and tells `onPick` when a person has chosen something. */
import { el, freshId, safeUrl } from "./dom.js";
import { withEmoji } from "./emoji.js";

export const plain = (text) => (text?.emoji === false ? text.text : withEmoji(text?.text ?? ""));

const optionsOf = (element) => [
  ...(element.options ?? []),
  ...(element.option_groups ?? []).flatMap((group) => group.options ?? []),
];

export function control(element, ctx) {
  switch (element.type) {
    case "button":
    case "workflow_button":
      return button(element, ctx);
    case "icon_button":
      return button({ ...element, text: element.text ?? { text: element.icon ?? "…" } }, ctx);
    case "plain_text_input":
      return textInput(element, ctx, element.multiline ? "textarea" : "text");
    case "rich_text_input":
      return textInput(element, ctx, "textarea");
    case "email_text_input":
      return textInput(element, ctx, "email");
    case "url_text_input":
      return textInput(element, ctx, "url");
    case "number_input":
      return textInput(element, ctx, "number");
    case "static_select":
    case "external_select":
      return select(element, ctx, optionsOf(element));
    case "multi_static_select":
      return ticks(element, ctx, "checkbox", optionsOf(element));
    case "users_select":
    case "conversations_select":
    case "channels_select":
      return directorySelect(element, ctx);
    case "radio_buttons":
      return ticks(element, ctx, "radio", element.options ?? []);
    case "checkboxes":
      return ticks(element, ctx, "checkbox", element.options ?? []);
    case "overflow":
      return overflow(element, ctx);
    case "datepicker":
      return moment(element, ctx, "date", "selected_date", element.initial_date);
    case "timepicker":
      return moment(element, ctx, "time", "selected_time", element.initial_time);
    case "datetimepicker":
      return moment(element, ctx, "datetime-local", "selected_date_time", element.initial_date_time);
    default:
      return null;
  }
}

const marks = (element, ctx) => ({ actionId: element.action_id, blockId: ctx.blockId });

function button(element, ctx) {
  const style = ["primary", "danger"].includes(element.style) ? element.style : "plain";
  const node = el(
    "button",
    {
      type: "button",
      class: `button ${style}`,
      data: marks(element, ctx),
      "aria-label": element.accessibility_label,
      title: element.accessibility_label,
      on: {
        click: () => {
          const url = element.url && safeUrl(element.url);
          if (url) window.open(url, "_blank", "noopener,noreferrer");
          ctx.onPick(element, { value: element.value }, node);
        },
      },
    },
    el("span", { text: plain(element.text) }),
  );
  return { node, focus: node };
}

function textInput(element, ctx, kind) {
  const node = el(kind === "textarea" ? "textarea" : "input", {
    type: kind === "textarea" ? undefined : kind,
    rows: kind === "textarea" ? 4 : undefined,
    class: "field",
    placeholder: plain(element.placeholder),
    minlength: element.min_length,
    maxlength: element.max_length,
    min: element.min_value,
    max: element.max_value,
    step: kind === "number" && element.is_decimal_allowed ? "any" : undefined,
    autocomplete: "off",
    data: marks(element, ctx),
  });
  node.value = element.initial_value ?? "";
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && kind !== "textarea" && ctx.dispatches) {
      event.preventDefault();
      ctx.onPick(element, { value: node.value }, node);
    }
  });
  return {
    node,
    focus: node,
    type: element.type,
    read: () => ({ type: element.type, value: node.value === "" ? null : node.value }),
    write: (state) => {
      node.value = state?.value ?? "";
    },
    problem: () => lengthProblem(node, element),
    empty: () => node.value.trim() === "",
  };
}

function lengthProblem(node, element) {
  const size = [...node.value].length;
  if (size && element.min_length && size < element.min_length)
    return `Please write at least ${element.min_length} characters.`;
  if (element.max_length && size > element.max_length) return `Please write at most ${element.max_length} characters.`;
  if (node.validity?.typeMismatch || node.validity?.badInput) return "Please check this value.";
  return null;
}

function optionNodes(options, initial) {
  return options.map((option) =>
    el("option", { value: option.value, selected: option.value === initial }, plain(option.text)),
  );
}

function select(element, ctx, options) {
  const initial = element.initial_option?.value;
  const grouped = (element.option_groups ?? []).map((group) =>
    el("optgroup", { label: plain(group.label) }, optionNodes(group.options ?? [], initial)),
  );
  const node = el(
    "select",
    { class: "field select", data: marks(element, ctx) },
    el("option", { value: "" }, plain(element.placeholder) || "Select an option"),
    grouped.length ? grouped : optionNodes(options, initial),
  );
  const chosen = () => options.find((option) => option.value === node.value) ?? null;
  node.addEventListener(
    "change",
    () => chosen() && ctx.onPick(element, { value: node.value, selected_option: chosen() }, node),
  );
  return {
    node,
    focus: node,
    type: element.type,
    read: () => ({ type: element.type, selected_option: chosen() }),
    write: (state) => {
      node.value = state?.selected_option?.value ?? "";
    },
    empty: () => !chosen(),
  };
}

const DIRECTORY = {
  users_select: "selected_user",
  conversations_select: "selected_conversation",
  channels_select: "selected_channel",
};

function directorySelect(element, ctx) {
  const key = DIRECTORY[element.type];
  const rows =
    element.type === "users_select"
      ? ctx.names
          .people()
          .filter((user) => !user.deleted)
          .map((user) => [user.id, ctx.names.person(user.id)])
      : [...ctx.names.channels.values()]
          .filter((channel) => !channel.is_im)
          .map((channel) => [channel.id, `#${channel.name}`]);
  const initial = element[key.replace("selected", "initial")];
  const node = el(
    "select",
    { class: "field select", data: marks(element, ctx) },
    el("option", { value: "" }, plain(element.placeholder) || "Select"),
    rows.map(([id, name]) => el("option", { value: id, selected: id === initial }, name)),
  );
  node.addEventListener(
    "change",
    () => node.value && ctx.onPick(element, { value: node.value, [key]: node.value }, node),
  );
  return {
    node,
    focus: node,
    type: element.type,
    read: () => ({ type: element.type, [key]: node.value || null }),
    write: (state) => {
      node.value = state?.[key] ?? "";
    },
    empty: () => !node.value,
  };
}

/* Radio buttons, check boxes and multiple selects. */
function ticks(element, ctx, kind, options) {
  const many = kind === "checkbox";
  const initial = new Set(
    (many ? (element.initial_options ?? []) : [element.initial_option ?? {}]).map((option) => option.value),
  );
  const name = freshId("ticks");
  const boxes = options.map((option) =>
    el("input", { type: kind, name, value: option.value, checked: initial.has(option.value) }),
  );
  const node = el(
    "div",
    { class: "ticks", role: many ? "group" : "radiogroup", data: marks(element, ctx) },
    options.map((option, index) => tick(boxes[index], option, ctx)),
  );
  const chosen = () => options.filter((_, index) => boxes[index].checked);
  const state = () => (many ? { selected_options: chosen() } : { selected_option: chosen()[0] ?? null });
  const value = () => (many ? chosen().map((option) => option.value) : chosen()[0]?.value);
  node.addEventListener("change", () => ctx.onPick(element, { value: value(), ...state() }, node));
  return {
    node,
    focus: boxes[0] ?? node,
    type: element.type,
    group: true,
    read: () => ({ type: element.type, ...state() }),
    write: (given) => {
      const values = new Set(
        (many ? (given?.selected_options ?? []) : [given?.selected_option ?? {}]).map((option) => option.value),
      );
      boxes.forEach((box) => {
        box.checked = values.has(box.value);
      });
    },
    empty: () => !chosen().length,
  };
}

function tick(box, option, ctx) {
  const note = option.description ? el("span", { class: "tick-note" }, ctx.text(option.description)) : null;
  return el(
    "label",
    { class: "tick" },
    box,
    el("span", {}, el("span", { class: "tick-label" }, ctx.text(option.text)), note),
  );
}

function overflow(element, ctx) {
  const options = element.options ?? [];
  const node = el(
    "select",
    { class: "overflow", "aria-label": "More actions", title: "More actions", data: marks(element, ctx) },
    el("option", { value: "" }, "⋯"),
    optionNodes(options),
  );
  node.addEventListener("change", () => {
    const chosen = options.find((option) => option.value === node.value);
    node.value = "";
    if (chosen) ctx.onPick(element, { value: chosen.value, selected_option: chosen }, node);
  });
  return { node, focus: node };
}

function moment(element, ctx, kind, key, initial) {
  const node = el("input", { type: kind, class: "field moment", data: marks(element, ctx) });
  const toField = (value) => (kind === "datetime-local" ? localStamp(value) : (value ?? ""));
  const read = () =>
    node.value === ""
      ? null
      : kind === "datetime-local"
        ? Math.floor(new Date(node.value).getTime() / 1000)
        : node.value;
  node.value = toField(initial);
  node.addEventListener("change", () => read() !== null && ctx.onPick(element, { value: read(), [key]: read() }, node));
  return {
    node,
    focus: node,
    type: element.type,
    read: () => ({ type: element.type, [key]: read() }),
    write: (state) => {
      node.value = toField(state?.[key]);
    },
    empty: () => read() === null,
  };
}

function localStamp(seconds) {
  if (!seconds) return "";
  const date = new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60000);
  return date.toISOString().slice(0, 16);
}
