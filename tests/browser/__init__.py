"""The page of the demo in a real headless Chromium."""
