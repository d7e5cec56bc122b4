-- History schema 1. Normalised columns are for queries; runs.document is the whole run.
CREATE TABLE runs (
	id TEXT PRIMARY KEY,
	started_at TEXT NOT NULL,      -- RFC 3339, UTC
	duration_ns INTEGER NOT NULL,
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
	build_ns INTEGER NOT NULL,
	baseline_run TEXT,
	passed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	other INTEGER NOT NULL,
	document TEXT NOT NULL         -- run.json
);
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_by_suite ON runs (suite, started_at, id);
CREATE INDEX runs_by_commit ON runs (commit_hash, started_at, id);
CREATE INDEX runs_by_input ON runs (input_hash, started_at, id);

CREATE TABLE bases (
	run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	reference TEXT NOT NULL,       -- as FROM writes it
	image_id TEXT NOT NULL,
	PRIMARY KEY (run, reference)
);

CREATE TABLE environment (
	run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, key)
);

CREATE TABLE steps (
	run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,     -- from 0, in build order
	number INTEGER NOT NULL,
	stage TEXT,
	instruction TEXT,
	line INTEGER NOT NULL,         -- in the Dockerfile, 0 unknown
	duration_ns INTEGER NOT NULL,
	cached INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	PRIMARY KEY (run, position)
);

CREATE TABLE cases (
	run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	target TEXT,
	outcome TEXT NOT NULL,
	flip TEXT,
	label TEXT,
	expected TEXT,
	actual TEXT,
	place TEXT,
	explanation TEXT,
	duration_ns INTEGER NOT NULL,
	reused_from TEXT,
	PRIMARY KEY (run, name)
);
CREATE INDEX cases_by_flip ON cases (flip) WHERE flip IS NOT NULL;

CREATE TABLE samples (
	run TEXT NOT NULL,
	case_name TEXT NOT NULL,
	metric TEXT NOT NULL,
	position INTEGER NOT NULL,     -- from 0, in the order measured
	value REAL NOT NULL,
	unit TEXT,
	direction TEXT NOT NULL,       -- which way is better: higher, lower, none
	cell TEXT,                     -- never compare across cells
	PRIMARY KEY (run, case_name, metric, position),
	FOREIGN KEY (run, case_name) REFERENCES cases (run, name) ON DELETE CASCADE
);
CREATE INDEX samples_by_metric ON samples (metric);

PRAGMA application_id = 1095979865; -- "ASSY"
PRAGMA user_version = 1;
