-- What pocketgate adds to the fork's `_proxies` (contract §3.1, D-8, D-21, D-25, D-27).
ALTER TABLE "_proxies" ADD COLUMN "name" TEXT NOT NULL DEFAULT '';

ALTER TABLE "_proxies" ADD COLUMN "description" TEXT NOT NULL DEFAULT '';

ALTER TABLE "_proxies" ADD COLUMN "forwardAuth" BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE "_proxies" ADD COLUMN "forwardEncoding" BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE "_proxies" ADD COLUMN "queueConfig" JSON DEFAULT NULL;

ALTER TABLE "_proxies" ADD COLUMN "limits" JSON DEFAULT NULL;

ALTER TABLE "_proxies" ADD COLUMN "rateLimit" JSON DEFAULT NULL;

ALTER TABLE "_proxies" ADD COLUMN "retryConfig" JSON DEFAULT NULL;
