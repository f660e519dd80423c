-- Short texts by name: how far a long piece of work has come, and by what it worked.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
