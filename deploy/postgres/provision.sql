-- Roles, schemas and grants of one installation, in its own database. Run by a superuser, any number of times; passwords are
-- set apart. Each service's role owns its schema and can touch nothing else; `inspector` may look at all and change nothing.

do $$
declare
    -- role, schemas that it owns; the first is where it makes its tables
    owned constant jsonb := '{
        "gateway": ["identity", "policy"],
        "intake": ["intake"],
        "escalation": ["escalation"],
        "archive": ["archive"],
        "notifications": ["notifications"]
    }';
    service text;
    space text;
    path text;
begin
    if current_setting('server_version_num')::int < 170000 then
        raise exception 'PostgreSQL 17 or newer is needed, this is %', current_setting('server_version');
    end if;

    execute format('revoke all on database %I from public', current_database());
    revoke all on schema public from public;

    if not exists (select from pg_roles where rolname = 'inspector') then
        create role inspector login;
    end if;
    alter role inspector set default_transaction_read_only = on;
    execute format('grant connect on database %I to inspector', current_database());

    for service in select jsonb_object_keys(owned) loop
        if not exists (select from pg_roles where rolname = service) then
            execute format('create role %I login', service);
        end if;
        execute format('grant connect on database %I to %I', current_database(), service);
        for space in select jsonb_array_elements_text(owned -> service) loop
            execute format('create schema if not exists %I authorization %I', space, service);
            execute format('grant usage on schema %I to inspector', space);
            execute format('grant select on all tables in schema %I to inspector', space);
            execute format('alter default privileges for role %I in schema %I grant select on tables to inspector', service, space);
        end loop;
        select string_agg(quote_ident(each), ', ' order by nr) into path
            from jsonb_array_elements_text(owned -> service) with ordinality as listed (each, nr);
        execute format('alter role %I in database %I set search_path = %s', service, current_database(), path);
    end loop;
end
$$;

-- Domain time of a demonstration or a test: start + factor × elapsed; factor 0 stands still until it is stepped. All may
-- read it, only the command line (the superuser) writes it.
create schema if not exists clock;
create table if not exists clock.setting (
    only_row     boolean primary key default true check (only_row),
    version      bigint not null,
    real_start   timestamptz not null,
    domain_start timestamptz not null,
    factor       double precision not null check (factor >= 0)
);
insert into clock.setting (version, real_start, domain_start, factor)
    values (0, 'epoch', 'epoch', 1) on conflict do nothing;
grant usage on schema clock to gateway, intake, escalation, archive, notifications, inspector;
grant select on clock.setting to gateway, intake, escalation, archive, notifications, inspector;
