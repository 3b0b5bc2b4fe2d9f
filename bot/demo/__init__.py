"""What `make demo` runs instead of paid accounts: a scripted model and a toy company. No rule of the bot is here."""
