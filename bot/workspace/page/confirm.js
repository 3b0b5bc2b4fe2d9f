/* The dialog that asks before a gesture is sent. Slack resolves it in the client:
   the server hears only of the final click. */
import { textNode } from "./blocks.js";
import { el, textButton } from "./dom.js";
import { plain } from "./elements.js";

/* `confirm` is Block Kit's confirm object. Resolves to true or false; Escape is false. */
export function confirmed(confirm, names) {
  return new Promise((resolve) => {
    const answer = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const dialog = dialogFor(confirm, names, answer);
    document.getElementById("modals").append(dialog);
    dialog.showModal();
    dialog.querySelector("[data-testid=confirm-deny]").focus();
  });
}

function dialogFor(confirm, names, answer) {
  const title = plain(confirm.title) || "Are you sure?";
  const cancel = (event) => {
    event.preventDefault();
    answer(false);
  };
  return el(
    "dialog",
    { class: "modal confirm", "aria-labelledby": "confirm-title", data: { testid: "confirm" }, on: { cancel } },
    el("header", { class: "modal-head" }, el("h2", { id: "confirm-title", text: title })),
    el("div", { class: "modal-scroll" }, textNode(confirm.text, names)),
    el(
      "footer",
      { class: "modal-foot" },
      textButton(plain(confirm.deny) || "Cancel", { testid: "confirm-deny", click: () => answer(false) }),
      textButton(plain(confirm.confirm) || "Yes", {
        style: confirm.style === "danger" ? "danger" : "primary",
        testid: "confirm-ok",
        click: () => answer(true),
      }),
    ),
  );
}
