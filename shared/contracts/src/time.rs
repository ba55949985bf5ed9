//! Instants as they stand in messages: RFC 3339 in UTC, to the microsecond (what Postgres keeps).

/// An instant of domain time (see the design's section on time) unless a field's documentation says that it is mechanism time.
pub type Timestamp = jiff::Timestamp;

/// JSON Schema of an instant: a string in the `date-time` format. Used as `#[schemars(schema_with = "time::schema")]`.
pub fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}

/// JSON Schema of instants in order.
pub fn list_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "array", "items": { "type": "string", "format": "date-time" } })
}

/// JSON Schema of an instant that may be absent.
pub fn optional_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "null"], "format": "date-time" })
}
