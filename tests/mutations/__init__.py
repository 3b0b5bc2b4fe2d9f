"""Guard mutations (contract, T7): each guard of the product, switched off in a copy of the checkout, makes the tests named for it fail."""
