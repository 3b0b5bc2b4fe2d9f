/* The `markdown` block (standard Markdown, the part that Slack shows) to DOM nodes. Raw HTML in it stays text. */
import { el, link } from "./dom.js";
import { inline as slackInline } from "./mrkdwn.js";

export function markdown(source, names) {
  const ctx = { names, autolink: true };
  const out = el("div", { class: "mrkdwn markdown", dir: "auto" });
  const rows = String(source).replaceAll("\r\n", "\n").split("\n");
  for (let at = 0; at < rows.length;) at = block(rows, at, out, ctx);
  return out;
}

/* Each branch appends one block and says where the next one starts. */
function block(rows, at, out, ctx) {
  const row = rows[at];
  const fence = /^\s*(```+|~~~+)/.exec(row);
  if (fence) return fenced(rows, at, fence[1], out);
  if (!row.trim()) return at + 1;
  const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(row);
  if (heading) {
    out.append(el("p", { class: "md-heading", role: "heading", "aria-level": "4" }, spans(heading[1], ctx)));
    return at + 1;
  }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) {
    out.append(el("hr", { class: "divider" }));
    return at + 1;
  }
  if (/^\s*>/.test(row)) return quoted(rows, at, out, ctx);
  if (ITEM.test(row)) return listed(rows, at, out, ctx);
  if (row.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(rows[at + 1] ?? ""))
    return tabled(rows, at, out, ctx);
  return paragraph(rows, at, out, ctx);
}

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;

function fenced(rows, at, fence, out) {
  let end = at + 1;
  while (end < rows.length && !rows[end].trim().startsWith(fence)) end += 1;
  out.append(el("pre", { class: "pre", text: rows.slice(at + 1, end).join("\n") }));
  return end + 1;
}

function quoted(rows, at, out, ctx) {
  const box = el("blockquote", { class: "quote" });
  let end = at;
  for (; end < rows.length && /^\s*>/.test(rows[end]); end += 1) {
    box.append(el("div", { class: "line" }, spans(rows[end].replace(/^\s*>\s?/, ""), ctx)));
  }
  out.append(box);
  return end;
}

function listed(rows, at, out, ctx) {
  const ordered = /\d/.test(ITEM.exec(rows[at])[2]);
  const box = el(ordered ? "ol" : "ul", { class: "rich-list indent-0" });
  let end = at;
  for (let item; end < rows.length && (item = ITEM.exec(rows[end])); end += 1) {
    box.append(el("li", { class: item[1].length >= 2 ? "deep" : undefined }, spans(item[3], ctx)));
  }
  out.append(box);
  return end;
}

function cells(row) {
  return row
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}

function tabled(rows, at, out, ctx) {
  const body = el("tbody");
  let end = at + 2;
  for (; end < rows.length && rows[end].includes("|"); end += 1) {
    body.append(
      el(
        "tr",
        {},
        cells(rows[end]).map((cell) => el("td", {}, spans(cell, ctx))),
      ),
    );
  }
  const head = el(
    "thead",
    {},
    el(
      "tr",
      {},
      cells(rows[at]).map((cell) => el("th", { scope: "col" }, spans(cell, ctx))),
    ),
  );
  out.append(el("div", { class: "table-wrap" }, el("table", { class: "table" }, head, body)));
  return end;
}

function paragraph(rows, at, out, ctx) {
  const box = el("p", { class: "md-paragraph" });
  let end = at;
  for (
    ;
    end < rows.length &&
    rows[end].trim() &&
    !/^\s*(```|~~~|>|#{1,6}\s)/.test(rows[end]) &&
    !(end > at && ITEM.test(rows[end]));
    end += 1
  ) {
    if (end > at) box.append(el("br"));
    box.append(...spans(rows[end], ctx));
  }
  out.append(box);
  return end;
}

const SPAN = new RegExp(
  [
    /(`[^`]+`)/,
    /\[([^\]]*)\]\(([^)\s]+)\)/,
    /\*\*(?=\S)([\s\S]*?\S)\*\*/,
    /__(?=\S)([\s\S]*?\S)__/,
    /~~(?=\S)([\s\S]*?\S)~~/,
    /(?<![\w*])\*(?=\S)([^*]*?\S)\*(?!\w)/,
  ]
    .map((part) => part.source)
    .join("|"),
);

function spans(text, ctx) {
  const nodes = [];
  let rest = text;
  for (let found; rest && (found = SPAN.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    if (found.index) nodes.push(...plain(rest.slice(0, found.index), ctx));
    nodes.push(span(found, ctx));
  }
  return rest ? [...nodes, ...plain(rest, ctx)] : nodes;
}

function span([, code, label, url, bold, bold2, strike, em], ctx) {
  if (code) return el("code", { class: "code", text: code.slice(1, -1) });
  if (url) return link(url, label || url);
  if (bold ?? bold2) return el("strong", {}, spans(bold ?? bold2, ctx));
  if (strike) return el("s", {}, spans(strike, ctx));
  return el("em", {}, spans(em, ctx));
}

/* Mention tokens and bare links are live in Markdown too; *…* has already been read, so its marks are shielded. */
function plain(text, ctx) {
  return text.split(/([*~`])/).flatMap((part) => (/^[*~`]$/.test(part) ? [part] : slackInline(part, ctx)));
}
