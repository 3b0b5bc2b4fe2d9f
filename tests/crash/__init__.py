"""Process death at every point (contract R1, R2, R3, R7, R15, R16, R18): real engine, real databases, a world that outlives the bot.

A *story* is one or more *flows* (`flows.py`) told on one database by one *life* of the bot after the other. A life (`life.py`) is a
process forked by `zygote.py`; it dies by SIGKILL at a numbered point (`points.py`), and the next one goes on. What Slack shows, what
BIGHUB was told and what the actions did stands in a file that no life takes with it (`outside.py`); `verdict.py` judges the whole at
the end. `python -m tests.crash` tells one story again, or many.
"""
