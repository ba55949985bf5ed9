//! Packs, calendars and organisation files as they are written.
