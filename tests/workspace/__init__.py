"""Tests of the local workspace, driven by slack_sdk and Bolt as they are."""
