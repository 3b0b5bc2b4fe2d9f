"""The engine: between the pure core and the ports. It records (`door`), works what people did (`inbox`), and advances runs
(`worker`, `doing`). It knows no vendor; `app.py` gives it the adapters.
"""

from bot.engine.engine import Engine
from bot.engine.limits import Limits

__all__ = ["Engine", "Limits"]
