"""The public names: imported on first use, and the README's example works as printed."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_importing_bot_imports_nothing_else() -> None:
    probe = "import sys, bot; print(sorted(m for m in sys.modules if m.startswith('bot')))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['bot']"


def test_the_readmes_action_is_offered_to_the_model_as_it_stands(tmp_path: Path) -> None:
    from bot.actions import Registry

    (example,) = re.findall(r"```python\n(# actions.py.*?)```", README.read_text(), re.DOTALL)
    path = tmp_path / "actions.py"
    path.write_text(example)
    (action,) = Registry.load(str(path)).actions
    assert action.name == "scale_deployment" and action.target == "deployment"
    assert "Name of the deployment" in action.parameters_schema.decode()


def test_every_test_that_the_library_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (README.parent / "docs" / "library.md").read_text()))
    sources = "\n".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    assert len(named) > 40 and not {name for name in named if f"def {name}(" not in sources}
