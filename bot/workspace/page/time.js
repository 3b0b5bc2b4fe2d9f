/* Times as people read them, in the browser's zone.
   Slack's ts is a string; it is turned into a number only to be shown. */
import { el } from "./dom.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const numeric = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "2-digit", day: "2-digit" });
const medium = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const long = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const dayMonth = new Intl.DateTimeFormat(undefined, { month: "long", day: "numeric" });

const at = (ts) => new Date(Number(ts) * 1000);

/* `bare` leaves out AM and PM, where room is short. */
export function timeNode(ts, { bare = false } = {}) {
  const date = at(ts);
  if (Number.isNaN(date.getTime())) return el("span", { text: String(ts) });
  return el("time", {
    class: "time",
    datetime: date.toISOString(),
    title: full.format(date),
    text: bare ? withoutPeriod(date) : clock.format(date),
  });
}

function withoutPeriod(date) {
  return clock
    .formatToParts(date)
    .filter((part) => part.type !== "dayPeriod")
    .map((part) => part.value)
    .join("")
    .trim();
}

export function dayOf(ts) {
  return at(ts).toDateString();
}

function relativeDay(date) {
  const days = Math.round((new Date(date.toDateString()) - new Date(new Date().toDateString())) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

export function dayLabel(ts) {
  const relative = relativeDay(at(ts));
  return relative ? relative.charAt(0).toUpperCase() + relative.slice(1) : day.format(at(ts));
}

export function ago(ts) {
  const date = at(ts);
  const near = relativeDay(date);
  return near === "today"
    ? `today at ${clock.format(date)}`
    : `${near ?? medium.format(date)} at ${clock.format(date)}`;
}

function dateWord(word, date) {
  switch (word) {
    case "date_num":
      return numeric.format(date);
    case "date_slash":
      return numeric.format(date).replaceAll(/[.-]/g, "/");
    case "date":
      return medium.format(date);
    case "date_short":
      return medium.format(date);
    case "date_long":
      return long.format(date);
    case "date_long_full":
      return long.format(date);
    case "date_long_pretty":
    case "date_pretty":
    case "date_short_pretty":
    case "date_num_pretty":
      return relativeDay(date) ?? (word === "date_long_pretty" ? long : medium).format(date);
    case "day_divider_pretty":
      return relativeDay(date) ?? dayMonth.format(date);
    case "time":
      return clock.format(date);
    case "time_secs":
      return clockSeconds.format(date);
    case "ago":
      return relativeDay(date) ?? medium.format(date);
    default:
      return null;
  }
}

/* <!date^ts^format|fallback>: the fallback when the number or the format makes no sense. */
export function slackDate(ts, format, fallback) {
  const date = at(ts);
  if (!/^\d+$/.test(String(ts)) || Number.isNaN(date.getTime()) || !format) return el("span", { text: fallback });
  const text = format.replace(/\{([a-z_]+)\}/g, (whole, word) => dateWord(word, date) ?? whole);
  return el("time", { datetime: date.toISOString(), title: full.format(date), text });
}
