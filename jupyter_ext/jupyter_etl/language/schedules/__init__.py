"""Schedules: cron expressions, phrases, time zones and date ranges."""
