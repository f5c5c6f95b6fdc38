-- The digest of what was published, where the bundle that is served was compiled from it here: the same isn't compiled again.
ALTER TABLE bundles ADD COLUMN source TEXT;
