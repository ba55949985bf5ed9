-- A report whose registration failed for a reason of its own is rejected under its own key, which it keeps: rejected until a person admits
-- it (or it is handled after all), dismissed if he does not.
alter table identity
    drop constraint identity_state_check,
    drop constraint identity_check,
    add constraint identity_state_check check (state in ('registered', 'supplement', 'waiting', 'rejected', 'dismissed')),
    add constraint identity_case_check check ((state in ('waiting', 'rejected', 'dismissed')) = (case_id is null));
