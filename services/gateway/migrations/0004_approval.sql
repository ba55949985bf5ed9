-- A set that goes back to an earlier one names it; and a set may take several signatures, as the organisation names them.

alter table policy.applied_set add column as_of bigint references policy.applied_set (version);

create table policy.signature (
    version bigint not null references policy.applied_set (version),
    -- As the organisation file writes who signs: a post, or 'second person'.
    signer text not null,
    person text not null,
    at timestamptz not null,
    -- The set in force then: what was signed is the way from it, and counts for no other.
    against bigint not null references policy.applied_set (version),
    primary key (version, signer, against)
);
