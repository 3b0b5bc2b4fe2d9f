"""Text that wants to be obeyed, a model that always obeys it, and that nothing comes of it (S1)."""
