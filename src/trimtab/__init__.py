"""Keeps a tabular machine-learning model in production on its course."""
