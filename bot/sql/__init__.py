"""The SQL room: the Store port over SQLite and Postgres. Nothing outside this room knows SQL; nothing in here decides."""
