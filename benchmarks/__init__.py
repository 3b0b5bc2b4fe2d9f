"""Measurements that `make bench` prints. No test asserts them; a figure depends on the machine that it is read on."""
