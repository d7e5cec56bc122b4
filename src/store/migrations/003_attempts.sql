-- History schema 3: failed cases that were made again, and alarms of one environment each.

-- On the same image in the same run.
CREATE TABLE attempts (
	run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
	check_id INTEGER NOT NULL REFERENCES checks (id),
	position INTEGER NOT NULL,     -- from 1; the row in cases is what came first
	outcome @TEXT@ NOT NULL,
	signature INTEGER REFERENCES signatures (id), -- of fail and timeout
	duration_ns BIGINT NOT NULL,
	PRIMARY KEY (run, check_id, position)
) @CLUSTERED@;

CREATE VIEW v_attempts AS
SELECT runs.id AS run, runs.started_at, runs.suite, runs.commit_hash, checks.name AS case_name,
	attempts.position, attempts.outcome, signatures.label, signatures.body AS signature,
	attempts.duration_ns / 1e9 AS duration_s
FROM attempts JOIN runs ON runs.key = attempts.run JOIN checks ON checks.id = attempts.check_id
	LEFT JOIN signatures ON signatures.id = attempts.signature;

-- Two machines have levels of their own: what changed on one is no news of the other.
ALTER TABLE alarm_events RENAME TO old_events;
ALTER TABLE alarms RENAME TO old_alarms;
CREATE TABLE alarms (
	id INTEGER PRIMARY KEY,
	suite @TEXT@ NOT NULL,
	case_name @TEXT@ NOT NULL,
	metric @TEXT@ NOT NULL,
	cell @TEXT@ NOT NULL,          -- "" none
	environment INTEGER NOT NULL,  -- where it was seen; 0 not known
	commit_hash @TEXT@ NOT NULL,   -- first commit on the new level
	before_commit @TEXT@,
	state @TEXT@ NOT NULL,         -- suspected, confirmed, retracted, acknowledged, fixed
	change DOUBLE PRECISION NOT NULL, -- new level / old level - 1
	low DOUBLE PRECISION,
	high DOUBLE PRECISION,
	opened_at @TEXT@ NOT NULL,
	changed_at @TEXT@ NOT NULL,
	UNIQUE (suite, case_name, metric, cell, environment, commit_hash)
);
CREATE TABLE alarm_events (
	alarm INTEGER NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,     -- from 0
	at @TEXT@ NOT NULL,
	state @TEXT@ NOT NULL,
	note @TEXT@,
	PRIMARY KEY (alarm, position)
) @CLUSTERED@;
-- They were raised by a run on the machine that ran this suite last then.
INSERT INTO alarms SELECT id, suite, case_name, metric, cell,
	coalesce((SELECT environment FROM runs WHERE runs.suite = old_alarms.suite
		AND runs.started_at <= old_alarms.opened_at ORDER BY started_at DESC LIMIT 1), 0),
	commit_hash, before_commit, state, change, low, high, opened_at, changed_at
FROM old_alarms;
INSERT INTO alarm_events SELECT alarm, position, at, state, note FROM old_events;
DROP TABLE old_events;
DROP TABLE old_alarms;
CREATE INDEX alarms_by_state ON alarms (state, opened_at);
CREATE INDEX alarms_by_commit ON alarms (commit_hash);

CREATE VIEW v_alarms AS
SELECT suite, commit_hash, before_commit, case_name, metric, nullif(cell, '') AS cell, environment,
	state, change, low, high, opened_at, changed_at
FROM alarms;
