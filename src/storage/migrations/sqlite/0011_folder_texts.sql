-- The folders of agencies that were registered before folders were kept: manifest and mapping of the
-- source that was put last, which belong together.
UPDATE folders SET
    manifest = (SELECT manifest FROM sources WHERE sources.agency = folders.agency
        ORDER BY sources.updated_at DESC, sources.id LIMIT 1),
    mapping = (SELECT mapping FROM sources WHERE sources.agency = folders.agency
        ORDER BY sources.updated_at DESC, sources.id LIMIT 1)
WHERE version = 1 AND author = '' AND EXISTS (SELECT 1 FROM sources WHERE sources.agency = folders.agency)
    AND NOT EXISTS (SELECT 1 FROM folders AS later
        WHERE later.agency = folders.agency AND later.state = 'approved' AND later.version > 1);
