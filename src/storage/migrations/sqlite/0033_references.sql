-- SQLite looks where a reference leads in its own memory and locks nothing for it: its references stay.
SELECT 1;
