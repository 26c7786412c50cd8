-- What was recorded is not changed, not even by who may: somebody must first take this away.
CREATE FUNCTION history.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'history.% is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON history.events
    EXECUTE FUNCTION history.refuse();
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON history.checkpoints
    EXECUTE FUNCTION history.refuse();

-- The application adds events; the head, the tree and the outcomes move with them, through these
-- functions alone.
ALTER FUNCTION history.append SECURITY DEFINER;
ALTER FUNCTION history.advance SECURITY DEFINER;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA history FROM PUBLIC;
