"""Many replicas on one Postgres, races on one approval, and what Slack delivers: the short forms. `tests/soak` runs the same code long."""
