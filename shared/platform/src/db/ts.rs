use duban_contracts::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Decode, Encode, Type};

/// An instant as Postgres keeps it: `timestamptz`, to the microsecond (finer parts are cut off).
///
/// Bind `Ts(t)`, `Option<Ts>`, `Vec<Ts>`; decode the same. `ts.0` is the instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(pub Timestamp);

/// Microseconds from 1970 to 2000, where Postgres counts from.
const EPOCH: i64 = 946_684_800_000_000;

impl Ts {
    pub fn option(instant: Option<Timestamp>) -> Option<Self> {
        instant.map(Self)
    }
}

impl From<Timestamp> for Ts {
    fn from(instant: Timestamp) -> Self {
        Self(instant)
    }
}

impl From<Ts> for Timestamp {
    fn from(ts: Ts) -> Self {
        ts.0
    }
}

impl Type<Postgres> for Ts {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("timestamptz")
    }
}

impl PgHasArrayType for Ts {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("_timestamptz")
    }
}

impl Encode<'_, Postgres> for Ts {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0.as_microsecond() - EPOCH, buf)
    }

    fn size_hint(&self) -> usize {
        size_of::<i64>()
    }
}

impl<'r> Decode<'r, Postgres> for Ts {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => {
                let micros: i64 = Decode::<Postgres>::decode(value)?;
                Ok(Self(Timestamp::from_microsecond(micros.saturating_add(EPOCH))?))
            }
            // Only simple (unprepared) queries answer in text: '2026-01-31 08:00:00.5+00'.
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
        }
    }
}
