-- Each statement that changes rows of a table calls a function of triggers once, with the rows as they
-- were and as they are.

-- up
CREATE TRIGGER {function}_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {function}_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {function}_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();

-- down
DROP TRIGGER {function}_insert ON {table};
DROP TRIGGER {function}_update ON {table};
DROP TRIGGER {function}_delete ON {table};
