-- History schema 3: a failed case that was made again, on the same image in the same run.
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
