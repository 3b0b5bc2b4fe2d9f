"""How text is rewritten on its way in: escaped, tokens kept, bare links marked, twice the same."""

import pytest

from bot.workspace.wording import mentions, normalised


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("&lt;script&gt; &amp; &quot;", "&lt;script&gt; &amp; &amp;quot;"),
        ("<@U0BOB> and <#C0OPS|ops>", "<@U0BOB> and <#C0OPS|ops>"),
        ("<!here> <!subteam^S0SRE> <!date^1^{date}|x>", "<!here> <!subteam^S0SRE> <!date^1^{date}|x>"),
        ("<!everything> <@bob>", "&lt;!everything&gt; &lt;@bob&gt;"),
        ("see https://a.example/x?y=1.", "see <https://a.example/x?y=1>."),
        ("<https://a.example|label>", "<https://a.example|label>"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
    ],
)
def test_text_is_stored_as_slack_stores_it(written: str, stored: str) -> None:
    assert normalised(written) == stored
    assert normalised(stored) == stored


def test_a_mention_is_the_token_and_nothing_that_looks_like_it() -> None:
    assert mentions("hey <@U0SIGNOFF>!", "U0SIGNOFF") and mentions("<@U0SIGNOFF|signoff>", "U0SIGNOFF")
    assert not mentions("@signoff U0SIGNOFF &lt;@U0SIGNOFF&gt;", "U0SIGNOFF")
