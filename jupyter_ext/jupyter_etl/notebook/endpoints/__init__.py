"""Endpoints in a notebook: publishing them, scoring frames, looking rows up."""
