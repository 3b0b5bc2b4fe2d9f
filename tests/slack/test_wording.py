"""Slack's message text as the model reads it."""

import pytest

from bot.slack.wording import flattened, names


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<@U0SIGNOFF> grant bob", "grant bob"),
        ("<@U0SIGNOFF|signoff>: grant bob", "grant bob"),
        ("please <@U0SIGNOFF> do it", "please do it"),
        ("<@U0SIGNOFF>", ""),
        ("give <@U0BOB> access", "give <@U0BOB> access"),
        ("give <@U0BOB|bob> access", "give <@U0BOB> (bob) access"),
        ("in <#C1|general> and <#C2>", "in #general (C1) and #C2"),
        ("<!here> <!subteam^S1|@security> <!subteam^S2>", "@here @security (S1) @S2"),
        ("<!date^1700000000^{date}|yesterday>", "yesterday"),
        ("<https://a.example/x|https://a.example/x>", "https://a.example/x"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<https://evil.example|https://good.example>", "https://good.example (https://evil.example)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("code:\n```\n  x = 1\n```", "code:\n```\n  x = 1\n```"),
        ("<>", "<>"),
    ],
)
def test_text_is_flattened(text: str, read: str) -> None:
    assert flattened(text, "U0SIGNOFF") == read


def test_only_the_bots_own_mention_counts() -> None:
    assert names("hey <@U0SIGNOFF|x>", "U0SIGNOFF") and not names("<@U0SIGNOFF2>", "U0SIGNOFF") and not names("<@>", "")
