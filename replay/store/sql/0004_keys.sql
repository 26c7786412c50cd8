-- A key for each person, under which what is personal stands in events.  It is no event and in
-- no proof: once it is destroyed, history is what it was, and says nothing about them any more.
-- A person is named by their stream.  The row of a destroyed key stays, so that none is made anew.
CREATE TABLE history.keys (
    person text COLLATE "C" PRIMARY KEY,
    key bytea CHECK (octet_length(key) = 32),
    made_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CHECK ((key IS NULL) = (destroyed_at IS NOT NULL))
);

-- The keys of persons, `fresh` ones for those who have none yet; null where it was destroyed.
CREATE FUNCTION history.keys_of(persons text[], fresh bytea[])
RETURNS TABLE (person text, key bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO history.keys AS k (person, key)
    SELECT new.person, new.key FROM unnest(persons, fresh) AS new (person, key)
    ORDER BY new.person
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT k.person, k.key FROM history.keys AS k WHERE k.person = ANY (persons);
END
$$;

-- The fact that a person is erased destroys their key, in the transaction that records it,
-- whoever records it.  The digests of what was asked about them go too: a name could be guessed.
CREATE FUNCTION history.forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO history.keys AS k (person, destroyed_at) VALUES (NEW.originator_id, NEW.at)
    ON CONFLICT (person) DO UPDATE SET key = NULL, destroyed_at = NEW.at
        WHERE k.key IS NOT NULL;
    UPDATE history.commands AS c SET digest = ''
    FROM (
        SELECT convert_from(e.state, 'UTF8')::jsonb AS envelope FROM history.events AS e
        WHERE e.originator_id = NEW.originator_id
    ) AS told
    WHERE c.by = told.envelope ->> 'by' AND c.cause = told.envelope ->> 'cause';
    RETURN NULL;
END
$$;

CREATE TRIGGER forget AFTER INSERT ON history.events
FOR EACH ROW WHEN (NEW.topic LIKE '%.erased') EXECUTE FUNCTION history.forget();

REVOKE ALL ON FUNCTION history.keys_of, history.forget FROM PUBLIC;
