/* The address holds person, channel, thread and tab, so that a reload and the Back button return to the same place. */

export const DEFAULT_PERSON = "U0ALICE";
export const DEFAULT_CHANNEL = "C0OPS";

export function readRoute() {
  const params = new URLSearchParams(location.hash.slice(1));
  return {
    as: params.get("as") || DEFAULT_PERSON,
    channel: params.get("channel") || DEFAULT_CHANNEL,
    thread: params.get("thread") || null,
    tab: params.get("tab") === "home" ? "home" : null,
  };
}

export function hashOf(route) {
  const kept = Object.entries(route).filter(([, value]) => value);
  return `#${new URLSearchParams(kept)}`;
}
