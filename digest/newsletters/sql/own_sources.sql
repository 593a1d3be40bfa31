-- A newsletter uses sources of its own publication only, so no article gets into two publications.
-- Articles stand on a floor below publications: their publication is not a foreign key.

-- up
UPDATE articles_source SET publication_id = newsletter.publication_id
FROM newsletters_newsletter_sources AS uses
JOIN newsletters_newsletter AS newsletter ON newsletter.id = uses.newsletter_id
WHERE uses.source_id = articles_source.id;

UPDATE articles_article SET publication_id = source.publication_id
FROM articles_sighting AS sighting JOIN articles_source AS source ON source.id = sighting.source_id
WHERE sighting.article_id = articles_article.id;

CREATE FUNCTION newsletters_refuse_foreign_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT publication_id FROM articles_source WHERE id = NEW.source_id) IS DISTINCT FROM
       (SELECT publication_id FROM newsletters_newsletter WHERE id = NEW.newsletter_id) THEN
        RAISE EXCEPTION 'source % belongs to another publication', NEW.source_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER newsletter_own_sources BEFORE INSERT OR UPDATE ON newsletters_newsletter_sources
    FOR EACH ROW EXECUTE FUNCTION newsletters_refuse_foreign_source();

-- down
DROP TRIGGER newsletter_own_sources ON newsletters_newsletter_sources;
DROP FUNCTION newsletters_refuse_foreign_source();
