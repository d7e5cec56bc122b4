-- History schema 2. One text for every SQL store: @TEXT@, @BLOB@, @CLUSTERED@ are the dialect's
-- words (embed.cmake). Ids are given by the writer, who is alone (sql_write.c).
-- Names that other programs may use are the views; docs/history.md.
CREATE TABLE environments (
	id INTEGER PRIMARY KEY,
	digest @TEXT@ NOT NULL UNIQUE  -- of its keys and values
);
CREATE TABLE environment_values (
	environment INTEGER NOT NULL REFERENCES environments (id),
	name @TEXT@ NOT NULL,          -- engine, kernel, driver, ...
	value @TEXT@ NOT NULL,
	PRIMARY KEY (environment, name)
) @CLUSTERED@;

CREATE TABLE runs (
	key INTEGER PRIMARY KEY,
	id @TEXT@ NOT NULL UNIQUE,
	started_at @TEXT@ NOT NULL,    -- RFC 3339, UTC
	at_ms BIGINT NOT NULL,         -- the same, milliseconds since 1970
	duration_ns BIGINT NOT NULL,
	suite @TEXT@ NOT NULL,
	suite_hash @TEXT@,
	commit_hash @TEXT@ NOT NULL,
	tree_hash @TEXT@,
	subject @TEXT@,
	verdict @TEXT@ NOT NULL,
	reason @TEXT@,
	input_hash @TEXT@,
	image_id @TEXT@,
	image_reused INTEGER NOT NULL,
	builder @TEXT@,
	build_ns BIGINT NOT NULL,
	baseline_run @TEXT@,
	environment INTEGER NOT NULL REFERENCES environments (id),
	passed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	other INTEGER NOT NULL
);
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_by_suite ON runs (suite, started_at, id);
CREATE INDEX runs_by_commit ON runs (commit_hash, started_at, id);
CREATE INDEX runs_by_input ON runs (input_hash, started_at, id);
CREATE INDEX runs_by_baseline ON runs (baseline_run);

-- run.json without its samples; apart, so that a look at many runs reads no documents.
CREATE TABLE documents (
	run INTEGER PRIMARY KEY REFERENCES runs (key) ON DELETE CASCADE,
	body @TEXT@ NOT NULL
);

CREATE TABLE bases (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	reference @TEXT@ NOT NULL,     -- as FROM writes it
	image_id @TEXT@ NOT NULL,
	PRIMARY KEY (run, reference)
) @CLUSTERED@;

CREATE TABLE steps (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	position INTEGER NOT NULL,     -- from 0, in build order
	number INTEGER NOT NULL,
	stage @TEXT@,
	instruction @TEXT@,
	line INTEGER NOT NULL,         -- in the Dockerfile, 0 unknown
	duration_ns BIGINT NOT NULL,
	cached INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	PRIMARY KEY (run, position)
) @CLUSTERED@;

CREATE TABLE checks (
	id INTEGER PRIMARY KEY,
	suite @TEXT@ NOT NULL,
	name @TEXT@ NOT NULL,
	UNIQUE (suite, name)
);

-- Failures that are the same failure: a label, and a text without what changes each time.
CREATE TABLE signatures (
	id INTEGER PRIMARY KEY,
	label @TEXT@ NOT NULL,
	body @TEXT@ NOT NULL,
	UNIQUE (label, body)
);

CREATE TABLE cases (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	check_id INTEGER NOT NULL REFERENCES checks (id),
	position INTEGER NOT NULL,     -- from 0, as in the run
	kind @TEXT@ NOT NULL,
	target @TEXT@,
	outcome @TEXT@ NOT NULL,
	flip @TEXT@,
	signature INTEGER REFERENCES signatures (id), -- of fail and timeout
	explanation @TEXT@,            -- of what did not pass, or flipped
	duration_ns BIGINT NOT NULL,
	reused_from @TEXT@,
	PRIMARY KEY (run, check_id)
) @CLUSTERED@;
CREATE INDEX cases_flipped ON cases (run) WHERE flip IN ('regressed', 'fixed');
CREATE INDEX cases_failed ON cases (run, check_id) WHERE outcome IN ('fail', 'timeout');

CREATE TABLE cells (
	id INTEGER PRIMARY KEY,        -- 0 in series: comparable across the whole history
	name @TEXT@ NOT NULL UNIQUE    -- "gpu=...,driver=...", never compared across
);
CREATE TABLE cell_values (
	cell INTEGER NOT NULL REFERENCES cells (id),
	name @TEXT@ NOT NULL,          -- "cell" for a cell that is one word
	value @TEXT@ NOT NULL,
	PRIMARY KEY (cell, name)
) @CLUSTERED@;

CREATE TABLE series (
	id INTEGER PRIMARY KEY,
	metric @TEXT@ NOT NULL,
	check_id INTEGER NOT NULL REFERENCES checks (id),
	cell INTEGER NOT NULL,
	unit @TEXT@ NOT NULL,          -- "" none
	direction @TEXT@ NOT NULL,     -- which way is better: higher, lower, none
	UNIQUE (metric, check_id, cell, unit, direction)
);
CREATE INDEX series_by_check ON series (check_id);

-- Clustered by series and time: one metric's history lies together. No reference to runs, whose
-- rows are removed one by one: it would need an index as large as this table.
CREATE TABLE measurements (
	series INTEGER NOT NULL,
	at_ms BIGINT NOT NULL,
	run INTEGER NOT NULL,
	count INTEGER NOT NULL,        -- of finite samples; of these:
	median DOUBLE PRECISION,
	mean DOUBLE PRECISION,
	minimum DOUBLE PRECISION,
	maximum DOUBLE PRECISION,
	samples @BLOB@ NOT NULL,       -- raw, in the order measured: IEEE 754 doubles, little endian
	PRIMARY KEY (series, at_ms, run)
) @CLUSTERED@;

CREATE TABLE alarms (
	id INTEGER PRIMARY KEY,
	suite @TEXT@ NOT NULL,
	case_name @TEXT@ NOT NULL,
	metric @TEXT@ NOT NULL,
	cell @TEXT@ NOT NULL,          -- "" none
	commit_hash @TEXT@ NOT NULL,   -- first commit on the new level
	before_commit @TEXT@,
	state @TEXT@ NOT NULL,         -- suspected, confirmed, retracted, acknowledged, fixed
	change DOUBLE PRECISION NOT NULL, -- new level / old level - 1
	low DOUBLE PRECISION,
	high DOUBLE PRECISION,
	opened_at @TEXT@ NOT NULL,
	changed_at @TEXT@ NOT NULL,
	UNIQUE (suite, case_name, metric, cell, commit_hash)
);
CREATE INDEX alarms_by_state ON alarms (state, opened_at);
CREATE INDEX alarms_by_commit ON alarms (commit_hash);
CREATE TABLE alarm_events (
	alarm INTEGER NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,     -- from 0
	at @TEXT@ NOT NULL,
	state @TEXT@ NOT NULL,
	note @TEXT@,
	PRIMARY KEY (alarm, position)
) @CLUSTERED@;

CREATE TABLE quarantines (
	suite @TEXT@ NOT NULL,
	case_name @TEXT@ NOT NULL,
	created_at @TEXT@ NOT NULL,
	expires_at @TEXT@ NOT NULL,
	reason @TEXT@ NOT NULL,
	PRIMARY KEY (suite, case_name, created_at)
) @CLUSTERED@;
CREATE INDEX quarantines_by_end ON quarantines (expires_at);

-- A/B tests: raw values of both images, pair by pair.
CREATE TABLE trials (
	id @TEXT@ PRIMARY KEY,
	started_at @TEXT@ NOT NULL,
	suite @TEXT@ NOT NULL,
	case_name @TEXT@ NOT NULL,
	metric @TEXT@ NOT NULL,
	unit @TEXT@ NOT NULL,
	direction @TEXT@ NOT NULL,
	cell @TEXT@ NOT NULL,          -- "" none
	before_commit @TEXT@,
	before_image @TEXT@ NOT NULL,
	after_commit @TEXT@,
	after_image @TEXT@ NOT NULL,
	verdict @TEXT@ NOT NULL,       -- pass, fail, inconclusive
	orders @TEXT@ NOT NULL,        -- of each pair: "ab" or "ba", joined
	before_values @BLOB@ NOT NULL,
	after_values @BLOB@ NOT NULL
) @CLUSTERED@;
CREATE INDEX trials_by_metric ON trials (metric, started_at);
CREATE INDEX trials_by_commit ON trials (after_commit);

CREATE VIEW v_runs AS
SELECT id AS run, started_at, suite, commit_hash, subject, verdict, reason, image_id, input_hash,
	duration_ns / 1e9 AS duration_s, passed, failed, other, baseline_run
FROM runs;

CREATE VIEW v_cases AS
SELECT runs.id AS run, runs.started_at, runs.suite, runs.commit_hash, checks.name AS case_name,
	cases.kind, cases.target, cases.outcome, cases.flip, signatures.label,
	signatures.body AS signature, cases.explanation, cases.duration_ns / 1e9 AS duration_s,
	cases.reused_from
FROM cases JOIN runs ON runs.key = cases.run JOIN checks ON checks.id = cases.check_id
	LEFT JOIN signatures ON signatures.id = cases.signature;

CREATE VIEW v_metrics AS
SELECT runs.id AS run, runs.started_at, checks.suite, runs.commit_hash, checks.name AS case_name,
	series.metric, nullif(series.unit, '') AS unit, series.direction, cells.name AS cell,
	measurements.count, measurements.median, measurements.mean, measurements.minimum,
	measurements.maximum
FROM series JOIN checks ON checks.id = series.check_id
	JOIN measurements ON measurements.series = series.id
	JOIN runs ON runs.key = measurements.run LEFT JOIN cells ON cells.id = series.cell;

CREATE VIEW v_flips AS
SELECT run, started_at, suite, commit_hash, case_name, flip, label, signature, explanation
FROM v_cases WHERE flip IN ('regressed', 'fixed');
