/* Every request the page makes, and the event stream. A refusal is a value: {ok:false, error}.
   Nothing here touches the DOM. */

export class Api {
  constructor(person) {
    this.person = person;
    this.token = `xoxp-${person}`;
  }

  async #send(path, init = {}) {
    try {
      const headers = { Authorization: `Bearer ${this.token}`, ...init.headers };
      const response = await fetch(path, { ...init, headers, cache: "no-store" });
      const answer = await response.json();
      return typeof answer === "object" && answer !== null ? answer : { ok: false, error: "unreadable_answer" };
    } catch {
      return { ok: false, error: "workspace_unreachable" };
    }
  }

  #post(path, body) {
    return this.#send(path, {
      method: "POST",
      headers: { "Content-Type": "application/json; charset=utf-8" },
      body: JSON.stringify(body),
    });
  }

  boot() {
    return this.#send("/client/boot");
  }
  views() {
    return this.#send("/client/views");
  }
  messages(channel) {
    return this.#send(`/client/messages?channel=${encodeURIComponent(channel)}`);
  }
  gesture(name, body) {
    return this.#post(`/client/${name}`, body);
  }
  slack(method, body) {
    return this.#post(`/api/${method}`, body);
  }
}

/* Live hints. EventSource reconnects by itself after a dropped line, but gives up on an HTTP error: then we try again.
   A hidden tab lets go of its line, because a browser grants only six to one server and each person may have a tab. */
export class Stream {
  constructor(token, { onHint, onOpen, onLost }) {
    this.url = `/client/stream?token=${encodeURIComponent(token)}`;
    this.listeners = { onHint, onOpen, onLost };
    this.source = null;
    this.retry = null;
    this.delay = 500;
    this.onVisibility = () => (document.hidden ? this.#drop() : this.source || this.#connect());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.retry);
    const source = new EventSource(this.url);
    this.source = source;
    source.onopen = () => {
      this.delay = 500;
      this.listeners.onOpen();
    };
    source.onmessage = (event) => this.listeners.onHint(parse(event.data));
    source.onerror = () => {
      this.listeners.onLost();
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.#drop();
      this.retry = setTimeout(() => this.#connect(), this.delay);
      this.delay = Math.min(this.delay * 2, 8000);
    };
  }

  #drop() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  close() {
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.#drop();
  }
}

function parse(text) {
  try {
    const hint = JSON.parse(text);
    return hint && typeof hint === "object" ? hint : { type: "reset" };
  } catch {
    return { type: "reset" };
  }
}

/* One run at a time; a call during a run causes exactly one more run after it. */
export function coalesced(work) {
  let running = null;
  let again = false;
  return function run() {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await work();
        } while (again);
      } finally {
        running = null;
      }
    })();
    return running;
  };
}

const PLAIN = {
  workspace_unreachable: "The local workspace did not answer. Is it still running?",
  unreadable_answer: "The local workspace gave an answer that cannot be read.",
  account_inactive: "This account is deactivated.",
  invalid_auth: "The workspace does not know this person.",
  not_in_channel: "This person is not in the channel.",
  channel_not_found: "This person cannot see that channel.",
  is_archived: "This channel is archived.",
  element_not_found: "That button is no longer there: the message has changed since. Please look again.",
  unknown_command: "There is no such command.",
  ratelimited: "Too fast: the workspace limits how often one may do this.",
  message_not_found: "That message is no longer there.",
  view_not_found: "That window is no longer open.",
  operation_timeout: "The app did not answer in 3 seconds.",
};

export function inWords(error) {
  return PLAIN[error] ?? `The workspace refused: ${error ?? "no reason given"}`;
}

export const NO_ACK = "The app did not answer in 3 seconds";
