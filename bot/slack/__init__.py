"""The only room that knows Slack: payloads in, cards out. No rule of the product lives here."""
