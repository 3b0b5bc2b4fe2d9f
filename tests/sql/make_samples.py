"""Writes a stored sample of every event class that has none yet: `python -m tests.sql.make_samples`.

A sample is what some release stored, for ever: it is never rewritten. A class that got a new field gets a further file by hand.
"""

import json
from pathlib import Path

from bot.sql.codec import encode
from tests.sql.samples import EVENT_CLASSES, sample

FOLDER = Path(__file__).parents[1] / "samples" / "events"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for cls in EVENT_CLASSES:
        path = FOLDER / f"{cls.__name__}.json"
        if not path.exists():
            encoded = encode(sample(cls))
            texts = {digest: raw.decode("utf-8", "surrogatepass") for digest, raw in encoded.contents.items()}
            kept = {"kind": encoded.kind, "body": json.loads(encoded.body), "contents": texts}
            path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
