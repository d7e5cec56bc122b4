-- A history of schema 2, as Assay wrote it: three runs of the tests' sample.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE environments (
	id INTEGER PRIMARY KEY,
	digest TEXT NOT NULL UNIQUE  -- of its keys and values
);
INSERT INTO environments VALUES(1,'9d0e0529bf05c15a7b8457d3a59be243ceef92e81876a56c0aa83d6f40ee62b3');
CREATE TABLE environment_values (
	environment INTEGER NOT NULL REFERENCES environments (id),
	name TEXT NOT NULL,          -- engine, kernel, driver, ...
	value TEXT NOT NULL,
	PRIMARY KEY (environment, name)
) WITHOUT ROWID;
INSERT INTO environment_values VALUES(1,'engine','docker');
CREATE TABLE runs (
	key INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	started_at TEXT NOT NULL,    -- RFC 3339, UTC
	at_ms BIGINT NOT NULL,         -- the same, milliseconds since 1970
	duration_ns BIGINT NOT NULL,
	suite TEXT NOT NULL,
	suite_hash TEXT,
	commit_hash TEXT NOT NULL,
	tree_hash TEXT,
	subject TEXT,
	verdict TEXT NOT NULL,
	reason TEXT,
	input_hash TEXT,
	image_id TEXT,
	image_reused INTEGER NOT NULL,
	builder TEXT,
	build_ns BIGINT NOT NULL,
	baseline_run TEXT,
	environment INTEGER NOT NULL REFERENCES environments (id),
	passed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	other INTEGER NOT NULL
);
INSERT INTO runs VALUES(1,'old0','2026-11-20T05:51:00.250Z',1795153860250,0,'incident','suite-hash','c0ffee',NULL,'use the new index','fail','torch: expected ==2.6.0, found 2.7.1','inputs','sha256:1',0,NULL,0,NULL,1,1,1,1);
INSERT INTO runs VALUES(2,'old1','2026-11-21T05:51:00.250Z',1795240260250,0,'incident','suite-hash','c0ffee',NULL,'use the new index','fail','torch: expected ==2.6.0, found 2.7.1','inputs','sha256:1',0,NULL,0,NULL,1,1,1,1);
INSERT INTO runs VALUES(3,'old2','2026-11-22T05:51:00.250Z',1795326660250,0,'incident','suite-hash','c0ffee',NULL,'use the new index','fail','torch: expected ==2.6.0, found 2.7.1','inputs','sha256:1',0,NULL,0,NULL,1,1,1,1);
CREATE TABLE documents (
	run INTEGER PRIMARY KEY REFERENCES runs (key) ON DELETE CASCADE,
	body TEXT NOT NULL
);
INSERT INTO documents VALUES(1,'{"assay_run":1,"id":"old0","verdict":"fail","reason":"torch: expected ==2.6.0, found 2.7.1","started_at":"2026-11-20T05:51:00.250Z","duration_ns":0,"suite":{"name":"incident","hash":"suite-hash","targets":[]},"commit":{"hash":"c0ffee","subject":"use the new index","time_s":0,"submodules":[]},"build":{"input_hash":"inputs","image_id":"sha256:1","bases":{"python:3":"sha256:b"},"reused":false,"duration_ns":0,"failed":false,"steps":[{"number":1,"total":1,"instruction":"FROM python:3","line":1,"duration_ns":0,"cached":false,"failed":false}]},"environment":{"engine":"docker"},"baseline":{"distance":0},"cases":[{"name":"build","kind":"build","tags":[],"outcome":"pass","actual":"sha256:1","duration_ns":0,"metrics":[]},{"name":"torch","kind":"version","tags":[],"outcome":"fail","label":"version/unsatisfied","expected":"==2.6.0","actual":"2.7.1","where":"pip","advice":"pin it","duration_ns":0,"flip":"regressed","metrics":[{"name":"latency","unit":"ms","direction":"lower","samples":[]}]},{"name":"gpu","kind":"command","tags":[],"outcome":"skip","reason":"needs a GPU","duration_ns":0,"metrics":[]}],"gone":[],"notes":[]}');
INSERT INTO documents VALUES(2,'{"assay_run":1,"id":"old1","verdict":"fail","reason":"torch: expected ==2.6.0, found 2.7.1","started_at":"2026-11-21T05:51:00.250Z","duration_ns":0,"suite":{"name":"incident","hash":"suite-hash","targets":[]},"commit":{"hash":"c0ffee","subject":"use the new index","time_s":0,"submodules":[]},"build":{"input_hash":"inputs","image_id":"sha256:1","bases":{"python:3":"sha256:b"},"reused":false,"duration_ns":0,"failed":false,"steps":[{"number":1,"total":1,"instruction":"FROM python:3","line":1,"duration_ns":0,"cached":false,"failed":false}]},"environment":{"engine":"docker"},"baseline":{"distance":0},"cases":[{"name":"build","kind":"build","tags":[],"outcome":"pass","actual":"sha256:1","duration_ns":0,"metrics":[]},{"name":"torch","kind":"version","tags":[],"outcome":"fail","label":"version/unsatisfied","expected":"==2.6.0","actual":"2.7.1","where":"pip","advice":"pin it","duration_ns":0,"flip":"regressed","metrics":[{"name":"latency","unit":"ms","direction":"lower","cell":"gpu=H100,driver=570","samples":[]}]},{"name":"gpu","kind":"command","tags":[],"outcome":"skip","reason":"needs a GPU","duration_ns":0,"metrics":[]}],"gone":[],"notes":[]}');
INSERT INTO documents VALUES(3,'{"assay_run":1,"id":"old2","verdict":"fail","reason":"torch: expected ==2.6.0, found 2.7.1","started_at":"2026-11-22T05:51:00.250Z","duration_ns":0,"suite":{"name":"incident","hash":"suite-hash","targets":[]},"commit":{"hash":"c0ffee","subject":"use the new index","time_s":0,"submodules":[]},"build":{"input_hash":"inputs","image_id":"sha256:1","bases":{"python:3":"sha256:b"},"reused":false,"duration_ns":0,"failed":false,"steps":[{"number":1,"total":1,"instruction":"FROM python:3","line":1,"duration_ns":0,"cached":false,"failed":false}]},"environment":{"engine":"docker"},"baseline":{"distance":0},"cases":[{"name":"build","kind":"build","tags":[],"outcome":"pass","actual":"sha256:1","duration_ns":0,"metrics":[]},{"name":"torch","kind":"version","tags":[],"outcome":"fail","label":"version/unsatisfied","expected":"==2.6.0","actual":"2.7.1","where":"pip","advice":"pin it","duration_ns":0,"flip":"regressed","metrics":[{"name":"latency","unit":"ms","direction":"lower","samples":[]}]},{"name":"gpu","kind":"command","tags":[],"outcome":"skip","reason":"needs a GPU","duration_ns":0,"metrics":[]}],"gone":[],"notes":[]}');
CREATE TABLE bases (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	reference TEXT NOT NULL,     -- as FROM writes it
	image_id TEXT NOT NULL,
	PRIMARY KEY (run, reference)
) WITHOUT ROWID;
INSERT INTO bases VALUES(1,'python:3','sha256:b');
INSERT INTO bases VALUES(2,'python:3','sha256:b');
INSERT INTO bases VALUES(3,'python:3','sha256:b');
CREATE TABLE steps (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	position INTEGER NOT NULL,     -- from 0, in build order
	number INTEGER NOT NULL,
	stage TEXT,
	instruction TEXT,
	line INTEGER NOT NULL,         -- in the Dockerfile, 0 unknown
	duration_ns BIGINT NOT NULL,
	cached INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	PRIMARY KEY (run, position)
) WITHOUT ROWID;
INSERT INTO steps VALUES(1,0,1,NULL,'FROM python:3',1,0,0,0);
INSERT INTO steps VALUES(2,0,1,NULL,'FROM python:3',1,0,0,0);
INSERT INTO steps VALUES(3,0,1,NULL,'FROM python:3',1,0,0,0);
CREATE TABLE checks (
	id INTEGER PRIMARY KEY,
	suite TEXT NOT NULL,
	name TEXT NOT NULL,
	UNIQUE (suite, name)
);
INSERT INTO checks VALUES(1,'incident','build');
INSERT INTO checks VALUES(2,'incident','torch');
INSERT INTO checks VALUES(3,'incident','gpu');
CREATE TABLE signatures (
	id INTEGER PRIMARY KEY,
	label TEXT NOT NULL,
	body TEXT NOT NULL,
	UNIQUE (label, body)
);
INSERT INTO signatures VALUES(1,'version/unsatisfied','#');
CREATE TABLE cases (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	check_id INTEGER NOT NULL REFERENCES checks (id),
	position INTEGER NOT NULL,     -- from 0, as in the run
	kind TEXT NOT NULL,
	target TEXT,
	outcome TEXT NOT NULL,
	flip TEXT,
	signature INTEGER REFERENCES signatures (id), -- of fail and timeout
	explanation TEXT,            -- of what did not pass, or flipped
	duration_ns BIGINT NOT NULL,
	reused_from TEXT,
	PRIMARY KEY (run, check_id)
) WITHOUT ROWID;
INSERT INTO cases VALUES(1,1,0,'build',NULL,'pass',NULL,NULL,NULL,0,NULL);
INSERT INTO cases VALUES(1,2,1,'version',NULL,'fail','regressed',1,'expected ==2.6.0, found 2.7.1 (pip): pin it',0,NULL);
INSERT INTO cases VALUES(1,3,2,'command',NULL,'skip',NULL,NULL,'needs a GPU',0,NULL);
INSERT INTO cases VALUES(2,1,0,'build',NULL,'pass',NULL,NULL,NULL,0,NULL);
INSERT INTO cases VALUES(2,2,1,'version',NULL,'fail','regressed',1,'expected ==2.6.0, found 2.7.1 (pip): pin it',0,NULL);
INSERT INTO cases VALUES(2,3,2,'command',NULL,'skip',NULL,NULL,'needs a GPU',0,NULL);
INSERT INTO cases VALUES(3,1,0,'build',NULL,'pass',NULL,NULL,NULL,0,NULL);
INSERT INTO cases VALUES(3,2,1,'version',NULL,'fail','regressed',1,'expected ==2.6.0, found 2.7.1 (pip): pin it',0,NULL);
INSERT INTO cases VALUES(3,3,2,'command',NULL,'skip',NULL,NULL,'needs a GPU',0,NULL);
CREATE TABLE cells (
	id INTEGER PRIMARY KEY,        -- 0 in series: comparable across the whole history
	name TEXT NOT NULL UNIQUE    -- "gpu=...,driver=...", never compared across
);
INSERT INTO cells VALUES(1,'gpu=H100,driver=570');
CREATE TABLE cell_values (
	cell INTEGER NOT NULL REFERENCES cells (id),
	name TEXT NOT NULL,          -- "cell" for a cell that is one word
	value TEXT NOT NULL,
	PRIMARY KEY (cell, name)
) WITHOUT ROWID;
INSERT INTO cell_values VALUES(1,'driver','570');
INSERT INTO cell_values VALUES(1,'gpu','H100');
CREATE TABLE series (
	id INTEGER PRIMARY KEY,
	metric TEXT NOT NULL,
	check_id INTEGER NOT NULL REFERENCES checks (id),
	cell INTEGER NOT NULL,
	unit TEXT NOT NULL,          -- "" none
	direction TEXT NOT NULL,     -- which way is better: higher, lower, none
	UNIQUE (metric, check_id, cell, unit, direction)
);
INSERT INTO series VALUES(1,'latency',2,0,'ms','lower');
INSERT INTO series VALUES(2,'latency',2,1,'ms','lower');
CREATE TABLE measurements (
	series INTEGER NOT NULL,
	at_ms BIGINT NOT NULL,
	run INTEGER NOT NULL,
	count INTEGER NOT NULL,        -- of finite samples; of these:
	median DOUBLE PRECISION,
	mean DOUBLE PRECISION,
	minimum DOUBLE PRECISION,
	maximum DOUBLE PRECISION,
	samples BLOB NOT NULL,       -- raw, in the order measured: IEEE 754 doubles, little endian
	PRIMARY KEY (series, at_ms, run)
) WITHOUT ROWID;
INSERT INTO measurements VALUES(1,1795153860250,1,2,1.3000000000000000444,1.3000000000000000444,0.10000000000000000555,2.5,X'9a9999999999b93f0000000000000440');
INSERT INTO measurements VALUES(1,1795326660250,3,2,1.3000000000000000444,1.3000000000000000444,0.10000000000000000555,2.5,X'9a9999999999b93f0000000000000440');
INSERT INTO measurements VALUES(2,1795240260250,2,2,1.3000000000000000444,1.3000000000000000444,0.10000000000000000555,2.5,X'9a9999999999b93f0000000000000440');
CREATE TABLE alarms (
	id INTEGER PRIMARY KEY,
	suite TEXT NOT NULL,
	case_name TEXT NOT NULL,
	metric TEXT NOT NULL,
	cell TEXT NOT NULL,          -- "" none
	commit_hash TEXT NOT NULL,   -- first commit on the new level
	before_commit TEXT,
	state TEXT NOT NULL,         -- suspected, confirmed, retracted, acknowledged, fixed
	change DOUBLE PRECISION NOT NULL, -- new level / old level - 1
	low DOUBLE PRECISION,
	high DOUBLE PRECISION,
	opened_at TEXT NOT NULL,
	changed_at TEXT NOT NULL,
	UNIQUE (suite, case_name, metric, cell, commit_hash)
);
CREATE TABLE alarm_events (
	alarm INTEGER NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,     -- from 0
	at TEXT NOT NULL,
	state TEXT NOT NULL,
	note TEXT,
	PRIMARY KEY (alarm, position)
) WITHOUT ROWID;
INSERT INTO alarms VALUES(7,'incident','speed','ms','','c0ffee','bada55','suspected',0.1,0.09,0.11,'2026-11-22T00:00:00.000Z','2026-11-22T00:00:00.000Z');
INSERT INTO alarm_events VALUES(7,0,'2026-11-22T00:00:00.000Z','suspected',NULL);
CREATE TABLE quarantines (
	suite TEXT NOT NULL,
	case_name TEXT NOT NULL,
	created_at TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (suite, case_name, created_at)
) WITHOUT ROWID;
CREATE TABLE trials (
	id TEXT PRIMARY KEY,
	started_at TEXT NOT NULL,
	suite TEXT NOT NULL,
	case_name TEXT NOT NULL,
	metric TEXT NOT NULL,
	unit TEXT NOT NULL,
	direction TEXT NOT NULL,
	cell TEXT NOT NULL,          -- "" none
	before_commit TEXT,
	before_image TEXT NOT NULL,
	after_commit TEXT,
	after_image TEXT NOT NULL,
	verdict TEXT NOT NULL,       -- pass, fail, inconclusive
	orders TEXT NOT NULL,        -- of each pair: "ab" or "ba", joined
	before_values BLOB NOT NULL,
	after_values BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_by_suite ON runs (suite, started_at, id);
CREATE INDEX runs_by_commit ON runs (commit_hash, started_at, id);
CREATE INDEX runs_by_input ON runs (input_hash, started_at, id);
CREATE INDEX runs_by_baseline ON runs (baseline_run);
CREATE INDEX cases_flipped ON cases (run) WHERE flip IN ('regressed', 'fixed');
CREATE INDEX cases_failed ON cases (run, check_id) WHERE outcome IN ('fail', 'timeout');
CREATE INDEX series_by_check ON series (check_id);
CREATE INDEX alarms_by_state ON alarms (state, opened_at);
CREATE INDEX alarms_by_commit ON alarms (commit_hash);
CREATE INDEX quarantines_by_end ON quarantines (expires_at);
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
COMMIT;
PRAGMA application_id = 1095979865;
PRAGMA user_version = 2;
