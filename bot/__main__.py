"""`python -m bot` and the `signoff` command: the same thing."""

from bot.cli import main

if __name__ == "__main__":
    main()
