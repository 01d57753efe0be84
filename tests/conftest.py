"""Shared by all tests. That it stands here puts this folder on the path: a test can ``import synthetic``."""
