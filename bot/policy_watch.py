"""A running bot takes up a policy file that was changed. How the file is read is `policy_file/`'s; what it means `core/policy.py`'s.

Rule 1: a file that is wrong, or gone, changes nothing: the policy of before goes on, and the log says why.
Rule 2: a file is taken up when two looks have found the same in it: what somebody is still writing could be a milder policy.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from bot.core.policy import Policy
from bot.errors import ConfigurationError
from bot.logger import log
from bot.policy_file import parse_policy

LOOK_SECONDS = 2.0


class PolicyWatch:
    """Looks at ``path`` (None: there is no file, nor will there be) and gives ``take`` each policy that takes the place of ``policy``."""

    def __init__(self, path: Path | None, policy: Policy, take: Callable[[Policy], None]) -> None:
        self._path, self._policy, self._take = path, policy, take
        self._before: bytes | None = None
        self._known: bytes | None = None
        self._gone = False

    async def watch(self, seconds: float = LOOK_SECONDS) -> None:
        """Look for ever."""
        while self._path is not None:
            await asyncio.sleep(seconds)
            try:
                self.look()
            except Exception:  # the outermost edge: whatever is wrong with a file, the old policy holds
                log.exception("the policy file could not be looked at")

    def look(self) -> None:
        """Take the file up, where it says something else than before and has said so twice."""
        if self._path is None:
            return
        try:
            written = self._path.read_bytes()
        except OSError as gone:
            if not self._gone:
                log.error("the policy file cannot be read; the policy of before holds", why=gone.strerror)
            self._before, self._gone = None, True
            return
        twice, self._before, self._gone = written == self._before, written, False
        if twice and written != self._known:
            self._known = written
            self._take_up(self._path, written)

    def _take_up(self, path: Path, written: bytes) -> None:
        try:
            loaded = parse_policy(written.decode("utf-8"), str(path))
        except (ConfigurationError, UnicodeError) as wrong:
            log.error("the policy file was changed and is wrong; the policy of before holds", why=str(wrong))
            return
        if loaded.policy != self._policy:
            self._policy = loaded.policy
            self._take(loaded.policy)
            log.warning("the policy file was changed; it holds from now on", warnings=loaded.warnings)
