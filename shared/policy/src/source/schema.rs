//! JSON Schemas of the files, for editors.

use super::calendar::CalendarFile;
use super::organisation::OrganisationFile;
use super::pack::PackFile;
use serde_json::Value;

/// Schema of a pack: `policies/schema/pack.schema.json`.
pub fn pack_schema() -> Value {
    schemars::schema_for!(PackFile).to_value()
}

/// Schema of an organisation file: `policies/schema/organisation.schema.json`.
pub fn organisation_schema() -> Value {
    schemars::schema_for!(OrganisationFile).to_value()
}

/// Schema of a calendar: `policies/schema/calendar.schema.json`.
pub fn calendar_schema() -> Value {
    schemars::schema_for!(CalendarFile).to_value()
}
