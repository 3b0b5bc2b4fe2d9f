"""Signoff: an ops agent for Slack that asks before it acts. The public names live here; the machinery does not."""
