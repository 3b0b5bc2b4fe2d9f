/* Who and what the ids stand for: people with their roles, channels, groups;
   and typed @names and #names to Slack's tokens. */

export class Names {
  constructor(boot) {
    this.boot = boot;
    this.app = boot.app ?? {};
    this.users = new Map((boot.users ?? []).map((user) => [user.id, user]));
    this.groups = new Map((boot.usergroups ?? []).map((group) => [group.id, group]));
    this.channels = new Map((boot.channels ?? []).map((channel) => [channel.id, channel]));
  }

  isApp(userId) {
    return userId === this.app.bot_user_id;
  }

  /* The handle people type, without @. */
  handle(userId) {
    const user = this.users.get(userId);
    return user?.name ?? (this.isApp(userId) ? (this.app.name ?? "app").toLowerCase() : userId);
  }

  person(userId) {
    const user = this.users.get(userId);
    if (this.isApp(userId)) return this.app.name ?? user?.name ?? userId;
    const shown = user?.profile?.display_name || user?.real_name || user?.name || userId || "unknown";
    return shown.charAt(0).toUpperCase() + shown.slice(1);
  }

  role(userId) {
    const user = this.users.get(userId);
    if (!user) return "unknown";
    const words = [];
    if (user.deleted) words.push("deactivated");
    if (user.team_id && this.boot.team?.id && user.team_id !== this.boot.team.id) words.push("external");
    if (user.is_bot) words.push("another bot");
    if (user.is_ultra_restricted) words.push("single-channel guest");
    else if (user.is_restricted) words.push("guest");
    const title = user.profile?.title;
    if (words.length) return words.join(" · ");
    if (title) words.push(title);
    else if (user.is_owner || user.is_primary_owner) words.push("owner");
    else if (user.is_admin) words.push("admin");
    for (const group of this.groups.values()) if (group.users?.includes(userId)) words.push(`@${group.handle}`);
    return [...new Set(words)].join(" · ") || "member";
  }

  channel(id) {
    const channel = this.channels.get(id);
    return channel ? (channel.is_im ? (this.app.name ?? "Direct message") : channel.name) : id;
  }

  /* People who can be acted as: everyone but the app itself. */
  people() {
    return [...this.users.values()].filter((user) => !this.isApp(user.id) && user.id !== "USLACKBOT");
  }

  /* What can follow an @: {handle, token, note}. */
  mentionables() {
    const appId = this.app.bot_user_id;
    const rows = appId ? [{ handle: this.handle(appId), token: `<@${appId}>`, note: "App", id: appId }] : [];
    for (const user of this.people()) {
      if (user.deleted) continue;
      rows.push({ handle: user.name, token: `<@${user.id}>`, note: this.role(user.id), id: user.id });
    }
    for (const group of this.groups.values()) {
      rows.push({
        handle: group.handle,
        token: `<!subteam^${group.id}|@${group.handle}>`,
        note: group.name ?? "User group",
      });
    }
    for (const range of ["here", "channel", "everyone"]) {
      rows.push({ handle: range, token: `<!${range}>`, note: "Notify the channel" });
    }
    return rows;
  }

  #tokenFor(sigil, word) {
    const name = word.toLowerCase();
    if (sigil === "#") {
      const channel = [...this.channels.values()].find((one) => !one.is_im && one.name === name);
      return channel ? `<#${channel.id}|${channel.name}>` : null;
    }
    if (name === (this.app.name ?? "").toLowerCase() && this.app.bot_user_id) return `<@${this.app.bot_user_id}>`;
    return this.mentionables().find((row) => row.handle.toLowerCase() === name)?.token ?? null;
  }

  /* What Slack's own client does with typed text: escape, then turn known names and bare URLs into tokens.
     Code stays. */
  toWire(typed) {
    return typed
      .split(/(```[\s\S]*?```|`[^`\n]+`)/)
      .map((part, index) => {
        const escaped = escapeText(part);
        return index % 2 ? escaped : this.#tokens(escaped);
      })
      .join("");
  }

  #tokens(escaped) {
    const urls = escaped.split(/(https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]}'"])/);
    return urls
      .map((part, index) => {
        if (index % 2) return `<${part}>`;
        return part.replace(/(^|[^\w@#/])([@#])([a-z0-9][a-z0-9._-]*)/gi, (whole, before, sigil, word) => {
          for (let name = word; name; name = name.replace(/[._-]+$|.$/, "")) {
            const token = this.#tokenFor(sigil, name);
            if (token) return before + token + word.slice(name.length);
            if (!/[._-]$/.test(name)) break;
          }
          return whole;
        });
      })
      .join("");
  }

  /* The reverse, for editing what was sent. */
  toTyped(wire) {
    return unescapeText(
      wire
        .replace(/<([@#!])([^>|]+)(?:\|([^>]*))?>/g, (whole, sigil, id, label) => {
          if (sigil === "@") return `@${this.handle(id)}`;
          if (sigil === "#") return `#${this.channels.get(id)?.name ?? label ?? id}`;
          if (id.startsWith("subteam^")) return label ?? `@${this.groups.get(id.slice(8))?.handle ?? id}`;
          return ["here", "channel", "everyone"].includes(id) ? `@${id}` : whole;
        })
        .replace(/<(https?:[^>|]+)(?:\|[^>]*)?>/g, "$1"),
    );
  }
}

export function escapeText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export function unescapeText(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
