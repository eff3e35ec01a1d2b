-- The rows of a ledger with schema 0001, as jupyter-etl 0.1 wrote them before 0002 was there.
-- Written by hand; BLOB is read as BYTEA for PostgreSQL.
INSERT INTO sources (name, owner, body) VALUES ('shop', 'ada',
  '{"name":"shop","kind":"csv","location":"/home/ada/shop.csv","declared":"shop.csv","secrets":[],"readonly":false,"options":{"delimiter":";"},"freshness":{"warn_s":3600.0,"error_s":null},"owner":"ada","notebook":"/home/ada/orders.ipynb","declared_at":"2025-03-03T06:00:00Z"}');
INSERT INTO snapshots (content_hash, body) VALUES (
  'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199',
  CAST('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}' AS BLOB));
INSERT INTO pipelines (name, notebook, content_hash, owner, version, schedule, schedule_kind,
  parameters, policy, paused, next_due, revision, created_at, updated_at, removed)
VALUES ('orders', '/home/ada/orders.ipynb', 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', 'ada', 1,
  '{"kind":"cron","text":"@daily","timezone":"Europe/Paris","cron":"0 0 * * *","every_s":null,"at":null,"after":[]}', 'cron',
  '{"day":"yesterday"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', FALSE, 1741046400000000, 5, 1740981600000000, 1740981600000000, FALSE);
INSERT INTO pipeline_versions (pipeline, number, content_hash, notebook, schedule, parameters,
  policy, deployed_by, deployed_at)
VALUES ('orders', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/orders.ipynb',
  '{"kind":"cron","text":"@daily","timezone":"Europe/Paris","cron":"0 0 * * *","every_s":null,"at":null,"after":[]}',
  '{"day":"yesterday"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', 'ada', 1740981600000000);
INSERT INTO pipelines (name, notebook, content_hash, owner, version, schedule, schedule_kind,
  parameters, policy, paused, next_due, revision, created_at, updated_at, removed)
VALUES ('brief', '/home/ada/brief.ipynb', 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', 'ada', 1,
  '{"kind":"after","text":"after sales.daily","timezone":"UTC","cron":null,"every_s":null,"at":null,"after":["sales.daily"]}', 'after',
  '{"day":"yesterday"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', TRUE, NULL, 5, 1740981600000000, 1740981600000000, FALSE);
INSERT INTO pipeline_versions (pipeline, number, content_hash, notebook, schedule, parameters,
  policy, deployed_by, deployed_at)
VALUES ('brief', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/brief.ipynb',
  '{"kind":"after","text":"after sales.daily","timezone":"UTC","cron":null,"every_s":null,"at":null,"after":["sales.daily"]}',
  '{"day":"yesterday"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', 'ada', 1740981600000000);
INSERT INTO pipelines (name, notebook, content_hash, owner, version, schedule, schedule_kind,
  parameters, policy, paused, next_due, revision, created_at, updated_at, removed)
VALUES ('gone', '/home/ada/gone.ipynb', 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', 'ada', 1,
  '{"kind":"cron","text":"@daily","timezone":"Europe/Paris","cron":"0 0 * * *","every_s":null,"at":null,"after":[]}', 'cron',
  '{"day":"yesterday"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', FALSE, NULL, 5, 1740981600000000, 1740981600000000, TRUE);
INSERT INTO pipeline_versions (pipeline, number, content_hash, notebook, schedule, parameters,
  policy, deployed_by, deployed_at)
VALUES ('gone', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/gone.ipynb',
  '{"kind":"cron","text":"@daily","timezone":"Europe/Paris","cron":"0 0 * * *","every_s":null,"at":null,"after":[]}',
  '{"day":"yesterday"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', 'ada', 1740981600000000);
INSERT INTO runs (id, pipeline, logical_key, version, content_hash, notebook, logical_at,
  interval_start, interval_end, due_at, owner, cause, parameters, policy, draft, rank, note,
  upstream, timezone, state, outcome, attempts, not_before, cancel_requested, cell, cells,
  created_at, started_at, finished_at, error, failed_cell, verdict, output, checks, reads)
VALUES (1, 'orders', '2025-03-01T23:00:00Z', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/orders.ipynb', 1740870000000000,
  1740783600000000, 1740870000000000, 1740870000000000, 'ada', 'schedule', '{"day":"2025-03-02"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', FALSE, 0, '',
  '{}', 'Europe/Paris', 'succeeded', 'succeeded', 1, 1740870000000000, FALSE, 3, 3,
  1740870000000000, 1740870060000000, 1740873600000000, '', NULL, NULL, '/home/ada/etl/runs/00000001/1/executed.ipynb', '[]', '[{"source":"shop","table":"","version":"","rows":3,"bytes":99}]');
INSERT INTO runs (id, pipeline, logical_key, version, content_hash, notebook, logical_at,
  interval_start, interval_end, due_at, owner, cause, parameters, policy, draft, rank, note,
  upstream, timezone, state, outcome, attempts, not_before, cancel_requested, cell, cells,
  created_at, started_at, finished_at, error, failed_cell, verdict, output, checks, reads)
VALUES (2, 'orders', '2025-03-02T23:00:00Z', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/orders.ipynb', 1740956400000000,
  1740870000000000, 1740956400000000, 1740956400000000, 'ada', 'schedule', '{"day":"2025-03-02"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', FALSE, 0, '',
  '{}', 'Europe/Paris', 'failed', 'failed', 2, 1740956400000000, FALSE, 3, 3,
  1740956400000000, 1740956460000000, 1740960000000000, 'NameError: x is not defined', 4, '{"kind":"notebook","evidence":"NameError: x is not defined","retryable":false}', '/home/ada/etl/runs/00000002/1/executed.ipynb', '[]', '[]');
INSERT INTO runs (id, pipeline, logical_key, version, content_hash, notebook, logical_at,
  interval_start, interval_end, due_at, owner, cause, parameters, policy, draft, rank, note,
  upstream, timezone, state, outcome, attempts, not_before, cancel_requested, cell, cells,
  created_at, started_at, finished_at, error, failed_cell, verdict, output, checks, reads)
VALUES (3, 'brief', 'sales.daily@1', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/brief.ipynb', 1740978000000000,
  1740891600000000, 1740978000000000, 1740978000000000, 'ada', 'upstream', '{"day":"2025-03-02"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', FALSE, 0, '',
  '{"sales.daily":1}', 'Europe/Paris', 'running', NULL, 1, 1740978000000000, FALSE, 3, 3,
  1740978000000000, 1740978060000000, NULL, '', NULL, NULL, '/home/ada/etl/runs/00000003/1/executed.ipynb', '[]', '[]');
INSERT INTO runs (id, pipeline, logical_key, version, content_hash, notebook, logical_at,
  interval_start, interval_end, due_at, owner, cause, parameters, policy, draft, rank, note,
  upstream, timezone, state, outcome, attempts, not_before, cancel_requested, cell, cells,
  created_at, started_at, finished_at, error, failed_cell, verdict, output, checks, reads)
VALUES (4, 'orders', 'manual:1f', 1, 'e198b126bae723a5434a915d80d2038d5ed3268f2b50448ded9dc281e6b30199', '/home/ada/orders.ipynb', 1740981600000000,
  1740895200000000, 1740981600000000, 1740981600000000, 'ada', 'manual', '{"day":"2025-03-02"}', '{"retries":3,"timeout_s":3600.0,"catchup":"latest","overlap":"skip"}', FALSE, 0, '',
  '{}', 'Europe/Paris', 'queued', NULL, 0, 1740981600000000, FALSE, NULL, NULL,
  1740981600000000, NULL, NULL, '', NULL, NULL, '', '[]', '[]');
INSERT INTO attempts (run_id, number, token, claimed_by, claimed_at, beat, host, pid, started_at,
  finished_at, outcome, error, failed_cell, verdict, output, peak_rss_bytes)
VALUES (1, 1, '11111111111111111111111111111111', 'scheduler-1', 1740981600000000, 7, 'here', 4711, 1740981601000000,
  1740873600000000, 'succeeded', '', NULL, NULL, '', 123456789);
INSERT INTO attempts (run_id, number, token, claimed_by, claimed_at, beat, host, pid, started_at,
  finished_at, outcome, error, failed_cell, verdict, output, peak_rss_bytes)
VALUES (2, 1, '22222222222222222222222222222222', 'scheduler-1', 1740981600000000, 7, 'here', 4711, 1740981601000000,
  1740956400000000, 'lost', 'no sign of life', NULL, NULL, '', 123456789);
INSERT INTO attempts (run_id, number, token, claimed_by, claimed_at, beat, host, pid, started_at,
  finished_at, outcome, error, failed_cell, verdict, output, peak_rss_bytes)
VALUES (2, 2, '22222222222222222222222222222222', 'scheduler-1', 1740981600000000, 7, 'here', 4711, 1740981601000000,
  1740960000000000, 'failed', 'NameError: x is not defined', NULL, NULL, '', 123456789);
INSERT INTO attempts (run_id, number, token, claimed_by, claimed_at, beat, host, pid, started_at,
  finished_at, outcome, error, failed_cell, verdict, output, peak_rss_bytes)
VALUES (3, 1, '33333333333333333333333333333333', 'scheduler-1', 1740981600000000, 7, 'here', 4711, 1740981601000000,
  NULL, NULL, '', NULL, NULL, '', NULL);
INSERT INTO publications (name, kind, owner, pipeline, live_number, draft_number, freshness, created_at)
VALUES ('sales.daily', 'table', 'ada', 'orders', 1, 0, '{"warn_s":86400.0,"error_s":null}', 1740873600000000);
INSERT INTO publication_versions (name, draft, number, what, owner, pipeline, run_id, notebook, published_at)
VALUES ('sales.daily', FALSE, 1,
  '{"name":"sales.daily","kind":"table","location":"/lake/tables/sales.daily","delta_version":0,"rows":3,"changed_rows":3,"bytes":1024,"columns":[{"name":"day","type":"date32[day]","nullable":false}],"mode":"append","key":["day"],"partition_by":[],"contract":"evolve","title":"","content_hash":""}',
  'ada', 'orders', 1, '/home/ada/orders.ipynb', 1740873600000000);
INSERT INTO schedulers (id, host, pid, workers, seen_at) VALUES ('scheduler-1', 'here', 4242, 2, 1740981600000000);
