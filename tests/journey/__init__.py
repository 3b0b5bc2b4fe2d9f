"""Journeys: the whole product on real parts, from a message in Slack to the reply."""
