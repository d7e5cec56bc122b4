-- A history of schema 1, as Assay wrote it: three runs of the tests' sample.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO runs VALUES('old0','2026-11-20T05:51:00.250Z',0,'incident','suite-hash','c0ffee',NULL,'use the new index','fail','torch: expected ==2.6.0, found 2.7.1','inputs','sha256:1',0,NULL,0,NULL,1,1,1,'{"assay_run":1,"id":"old0","verdict":"fail","reason":"torch: expected ==2.6.0, found 2.7.1","started_at":"2026-11-20T05:51:00.250Z","duration_ns":0,"suite":{"name":"incident","hash":"suite-hash","targets":[]},"commit":{"hash":"c0ffee","subject":"use the new index","time_s":0,"submodules":[]},"build":{"input_hash":"inputs","image_id":"sha256:1","bases":{"python:3":"sha256:b"},"reused":false,"duration_ns":0,"failed":false,"steps":[{"number":1,"total":1,"instruction":"FROM python:3","line":1,"duration_ns":0,"cached":false,"failed":false}]},"environment":{"engine":"docker"},"baseline":{"distance":0},"cases":[{"name":"build","kind":"build","tags":[],"outcome":"pass","actual":"sha256:1","duration_ns":0,"metrics":[]},{"name":"torch","kind":"version","tags":[],"outcome":"fail","label":"version/unsatisfied","expected":"==2.6.0","actual":"2.7.1","where":"pip","advice":"pin it","duration_ns":0,"flip":"regressed","metrics":[{"name":"latency","unit":"ms","direction":"lower","samples":[0.1,2.5]}]},{"name":"gpu","kind":"command","tags":[],"outcome":"skip","reason":"needs a GPU","duration_ns":0,"metrics":[]}],"gone":[],"notes":[]}');
INSERT INTO runs VALUES('old1','2026-11-21T05:51:00.250Z',0,'incident','suite-hash','c0ffee',NULL,'use the new index','fail','torch: expected ==2.6.0, found 2.7.1','inputs','sha256:1',0,NULL,0,NULL,1,1,1,'{"assay_run":1,"id":"old1","verdict":"fail","reason":"torch: expected ==2.6.0, found 2.7.1","started_at":"2026-11-21T05:51:00.250Z","duration_ns":0,"suite":{"name":"incident","hash":"suite-hash","targets":[]},"commit":{"hash":"c0ffee","subject":"use the new index","time_s":0,"submodules":[]},"build":{"input_hash":"inputs","image_id":"sha256:1","bases":{"python:3":"sha256:b"},"reused":false,"duration_ns":0,"failed":false,"steps":[{"number":1,"total":1,"instruction":"FROM python:3","line":1,"duration_ns":0,"cached":false,"failed":false}]},"environment":{"engine":"docker"},"baseline":{"distance":0},"cases":[{"name":"build","kind":"build","tags":[],"outcome":"pass","actual":"sha256:1","duration_ns":0,"metrics":[]},{"name":"torch","kind":"version","tags":[],"outcome":"fail","label":"version/unsatisfied","expected":"==2.6.0","actual":"2.7.1","where":"pip","advice":"pin it","duration_ns":0,"flip":"regressed","metrics":[{"name":"latency","unit":"ms","direction":"lower","cell":"gpu=H100,driver=570","samples":[0.1,2.5]}]},{"name":"gpu","kind":"command","tags":[],"outcome":"skip","reason":"needs a GPU","duration_ns":0,"metrics":[]}],"gone":[],"notes":[]}');
INSERT INTO runs VALUES('old2','2026-11-22T05:51:00.250Z',0,'incident','suite-hash','c0ffee',NULL,'use the new index','fail','torch: expected ==2.6.0, found 2.7.1','inputs','sha256:1',0,NULL,0,NULL,1,1,1,'{"assay_run":1,"id":"old2","verdict":"fail","reason":"torch: expected ==2.6.0, found 2.7.1","started_at":"2026-11-22T05:51:00.250Z","duration_ns":0,"suite":{"name":"incident","hash":"suite-hash","targets":[]},"commit":{"hash":"c0ffee","subject":"use the new index","time_s":0,"submodules":[]},"build":{"input_hash":"inputs","image_id":"sha256:1","bases":{"python:3":"sha256:b"},"reused":false,"duration_ns":0,"failed":false,"steps":[{"number":1,"total":1,"instruction":"FROM python:3","line":1,"duration_ns":0,"cached":false,"failed":false}]},"environment":{"engine":"docker"},"baseline":{"distance":0},"cases":[{"name":"build","kind":"build","tags":[],"outcome":"pass","actual":"sha256:1","duration_ns":0,"metrics":[]},{"name":"torch","kind":"version","tags":[],"outcome":"fail","label":"version/unsatisfied","expected":"==2.6.0","actual":"2.7.1","where":"pip","advice":"pin it","duration_ns":0,"flip":"regressed","metrics":[{"name":"latency","unit":"ms","direction":"lower","samples":[0.1,2.5]}]},{"name":"gpu","kind":"command","tags":[],"outcome":"skip","reason":"needs a GPU","duration_ns":0,"metrics":[]}],"gone":[],"notes":[]}');
CREATE TABLE bases (
	run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	reference TEXT NOT NULL,       -- as FROM writes it
	image_id TEXT NOT NULL,
	PRIMARY KEY (run, reference)
);
INSERT INTO bases VALUES('old0','python:3','sha256:b');
INSERT INTO bases VALUES('old1','python:3','sha256:b');
INSERT INTO bases VALUES('old2','python:3','sha256:b');
CREATE TABLE environment (
	run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, key)
);
INSERT INTO environment VALUES('old0','engine','docker');
INSERT INTO environment VALUES('old1','engine','docker');
INSERT INTO environment VALUES('old2','engine','docker');
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
INSERT INTO steps VALUES('old0',0,1,NULL,'FROM python:3',1,0,0,0);
INSERT INTO steps VALUES('old1',0,1,NULL,'FROM python:3',1,0,0,0);
INSERT INTO steps VALUES('old2',0,1,NULL,'FROM python:3',1,0,0,0);
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
INSERT INTO cases VALUES('old0','build','build',NULL,'pass',NULL,NULL,NULL,'sha256:1',NULL,'sha256:1',0,NULL);
INSERT INTO cases VALUES('old0','torch','version',NULL,'fail','regressed','version/unsatisfied','==2.6.0','2.7.1','pip','expected ==2.6.0, found 2.7.1 (pip): pin it',0,NULL);
INSERT INTO cases VALUES('old0','gpu','command',NULL,'skip',NULL,NULL,NULL,NULL,NULL,'needs a GPU',0,NULL);
INSERT INTO cases VALUES('old1','build','build',NULL,'pass',NULL,NULL,NULL,'sha256:1',NULL,'sha256:1',0,NULL);
INSERT INTO cases VALUES('old1','torch','version',NULL,'fail','regressed','version/unsatisfied','==2.6.0','2.7.1','pip','expected ==2.6.0, found 2.7.1 (pip): pin it',0,NULL);
INSERT INTO cases VALUES('old1','gpu','command',NULL,'skip',NULL,NULL,NULL,NULL,NULL,'needs a GPU',0,NULL);
INSERT INTO cases VALUES('old2','build','build',NULL,'pass',NULL,NULL,NULL,'sha256:1',NULL,'sha256:1',0,NULL);
INSERT INTO cases VALUES('old2','torch','version',NULL,'fail','regressed','version/unsatisfied','==2.6.0','2.7.1','pip','expected ==2.6.0, found 2.7.1 (pip): pin it',0,NULL);
INSERT INTO cases VALUES('old2','gpu','command',NULL,'skip',NULL,NULL,NULL,NULL,NULL,'needs a GPU',0,NULL);
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
INSERT INTO samples VALUES('old0','torch','latency',0,0.10000000000000000555,'ms','lower',NULL);
INSERT INTO samples VALUES('old0','torch','latency',1,2.5,'ms','lower',NULL);
INSERT INTO samples VALUES('old1','torch','latency',0,0.10000000000000000555,'ms','lower','gpu=H100,driver=570');
INSERT INTO samples VALUES('old1','torch','latency',1,2.5,'ms','lower','gpu=H100,driver=570');
INSERT INTO samples VALUES('old2','torch','latency',0,0.10000000000000000555,'ms','lower',NULL);
INSERT INTO samples VALUES('old2','torch','latency',1,2.5,'ms','lower',NULL);
CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_by_suite ON runs (suite, started_at, id);
CREATE INDEX runs_by_commit ON runs (commit_hash, started_at, id);
CREATE INDEX runs_by_input ON runs (input_hash, started_at, id);
CREATE INDEX cases_by_flip ON cases (flip) WHERE flip IS NOT NULL;
CREATE INDEX samples_by_metric ON samples (metric);
COMMIT;
PRAGMA application_id = 1095979865;
PRAGMA user_version = 1;
