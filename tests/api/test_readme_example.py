"""The library's example in our own README runs as printed: somebody at a terminal approves, and the tool runs inside the loop."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.api.stage import Stage, beside

README = Path(__file__).parents[2] / "README.md"


async def test_the_readmes_library_example_works_as_printed(stage: Stage) -> None:
    (example,) = re.findall(r"```python\n(import os\n.*?)```", README.read_text(), re.DOTALL)
    stage.review()
    stage.wish(then="Alice has access for 48 hours.")
    settings = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": stage.model.base_url}
    settings |= {"BIGHUB_API_KEY": stage.bighub.api_key, "BIGHUB_BASE_URL": stage.bighub.url}
    command = [sys.executable, "-c", example]
    ended = await beside(
        subprocess.run,
        command,
        cwd=README.parent,
        env={**os.environ, **settings},
        input="approved\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("approved or denied? Alice has access for 48 hours.\n")
    assert [outcome["status"] for outcome in stage.bighub.outcomes] == ["SUCCESS"]
