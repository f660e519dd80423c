-- What people decided about records, and the questions that are open to them.

-- Where a decision stands is also what its last step says; it is here so that those in force are
-- found by an index, and so that of two steps at once one fails.
CREATE TABLE decisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    judgement TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_in_force ON decisions (number)
    WHERE state IN ('standing', 'undo_proposed');

-- The life of a decision, numbered from 1. Reasons are in people's own words and may name people.
CREATE TABLE decision_steps (
    decision INTEGER NOT NULL REFERENCES decisions (number),
    step INTEGER NOT NULL,
    state TEXT NOT NULL,
    taken_by TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (decision, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision_pairs (
    decision INTEGER NOT NULL REFERENCES decisions (number),
    low_record INTEGER NOT NULL REFERENCES records (number),
    high_record INTEGER NOT NULL REFERENCES records (number),
    PRIMARY KEY (decision, low_record, high_record),
    CHECK (low_record < high_record)
) STRICT, WITHOUT ROWID;

CREATE INDEX decision_pairs_by_low ON decision_pairs (low_record, decision);
CREATE INDEX decision_pairs_by_high ON decision_pairs (high_record, decision);

-- Records of protected people, and who said so first.
CREATE TABLE protections (
    record INTEGER PRIMARY KEY REFERENCES records (number),
    protected_by TEXT NOT NULL,
    protected_at INTEGER NOT NULL
) STRICT;

-- Open questions: are these two citizens one person? There is one for two citizens, so the lower
-- number is first; each record is of the citizen beside it.
CREATE TABLE review_tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    low_citizen INTEGER NOT NULL REFERENCES citizens (number),
    low_record INTEGER NOT NULL REFERENCES records (number),
    high_citizen INTEGER NOT NULL REFERENCES citizens (number),
    high_record INTEGER NOT NULL REFERENCES records (number),
    kind TEXT NOT NULL,
    weight INTEGER NOT NULL,
    pairs INTEGER NOT NULL,
    worth INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    claimed_by TEXT,
    claimed_until INTEGER,
    proposal INTEGER REFERENCES decisions (number),
    UNIQUE (low_citizen, high_citizen),
    CHECK (low_citizen < high_citizen)
) STRICT;

CREATE INDEX review_tasks_by_high ON review_tasks (high_citizen);

-- The kind is there so that tasks are counted, and those of one kind found, in the index alone.
CREATE INDEX review_tasks_in_order ON review_tasks (worth DESC, weight DESC, number, kind);

CREATE INDEX review_tasks_claimed ON review_tasks (claimed_by) WHERE claimed_by IS NOT NULL;
