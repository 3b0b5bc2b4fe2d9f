"""What every part of `policy.yml` is. Which parts there are is `grammar.py`'s and `emergencies.py`'s.

Rule: a part knows its keys and refuses all others; what every key allows and the whole does not, it tells as contradictions.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from bot.policy_file.lines import Where

Contradictions = Iterator[tuple[Where, str]]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
