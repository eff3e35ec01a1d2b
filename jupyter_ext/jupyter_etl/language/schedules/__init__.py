"""When pipelines run: schedules, cron expressions, timezones and ranges of dates."""
