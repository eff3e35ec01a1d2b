"""Answering calls of endpoints: functions, queries, their workers, traffic between versions."""
