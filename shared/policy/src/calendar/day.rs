//! The end of a day.

use duban_contracts::Timestamp;
use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Of an instant that ends a day, a minute before it: people read it as that day's 24:00, and not as the next one's 00:00.
pub fn last_minute(at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let ends_day = zone.to_datetime(at).time() == Time::midnight();
    at.checked_sub(SignedDuration::from_mins(1)).ok().filter(|_| ends_day)
}
