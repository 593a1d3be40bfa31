-- Fencing tokens: each claim of deliveries or notices takes the next one.

-- up
CREATE SEQUENCE relays_fences AS bigint;
-- down
DROP SEQUENCE relays_fences;
