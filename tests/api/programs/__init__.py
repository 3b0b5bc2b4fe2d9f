"""Programs of other people: the founding README's code blocks, and fakes as programs of bighub-openai 0.1.0b5 have them."""
