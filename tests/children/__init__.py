"""What actions start must end with the bot (R21): real bots, real commands, real kills."""
