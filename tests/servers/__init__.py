"""Programmable OpenAI and BIGHUB servers on 127.0.0.1, for tests that want the real clients at the other end."""
