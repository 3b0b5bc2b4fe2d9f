"""Outages on a virtual clock (T4): a world whose sides go away one by one and together, and the stories of what must hold then."""
