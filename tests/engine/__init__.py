"""Tests of the engine, over small in-memory adapters of its ports."""
