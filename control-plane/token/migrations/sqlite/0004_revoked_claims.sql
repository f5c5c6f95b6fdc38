-- By which claims something of an issuer is revoked is asked with each entry that is new: one step in here for each claim.
CREATE INDEX revocations_by_claim ON revocations (issuer, claim);
