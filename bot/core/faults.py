"""What can be wrong with a stored journal, for whoever reads one. Reading it is `journal.py`'s, what is legal `run.py`'s."""


class BrokenJournal(Exception):
    """A stored journal holds an event that was never legal: somebody changed it, or a rule was changed wrongly."""


class NewerJournal(BrokenJournal):
    """A stored journal holds what this release does not know: a newer one wrote it, and goes on with it (R12)."""
