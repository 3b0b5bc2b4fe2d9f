"""Tests of the scripted model and of the toy company."""
