"""The long proofs of the contract: `make soak`. Each tier is a module with `soak(seed, share)`; the short form of each is a test."""
