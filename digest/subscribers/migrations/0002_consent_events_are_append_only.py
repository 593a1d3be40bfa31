from django.db import migrations

# DELETE stays possible for the cascade that erases a reader; the model refuses any other.
REFUSE = """
CREATE FUNCTION digest_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_event_append_only BEFORE UPDATE ON subscribers_consentevent
    FOR EACH ROW EXECUTE FUNCTION digest_refuse_update();
"""
ALLOW = """
DROP TRIGGER consent_event_append_only ON subscribers_consentevent;
DROP FUNCTION digest_refuse_update();
"""


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
