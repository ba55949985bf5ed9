//! What Duban decides, without doing it: how a report becomes a case, what a step makes of a case, which duties an event opens and ends, what
//! is due and who is told. Pure: values in, values out, no clock, no database, no broker.
//!
//! The services ask it and write down what it says; [`simulate`] asks it too, and writes nothing. So what a simulation shows is what would
//! happen. [`rehearsing`] asks it of what has happened, by another set of packs; both play events with [`playing`].
//!
//! A report's way through it, top to bottom: [`judging`] (and [`contacts`], whom it names), [`registering`], [`supplementing`],
//! [`case`], [`stepping`] (and [`naming`]: whom its fields mean); then [`rules`] (what an
//! event means), [`matter`] (opens and closes of one thing, in any order), [`duty`], [`climb`] (what is due now), [`recipients`] (posts to
//! people), [`alert`], [`acknowledging`]; what people do with a duty is [`acts`], what moves its due time [`shifts`], [`retiming`] and
//! [`correcting`]; [`telling`] words the events.

pub mod acknowledging;
pub mod acts;
pub mod alert;
pub mod carrying;
pub mod case;
pub mod climb;
pub mod contacts;
pub mod correcting;
pub mod duty;
pub mod judging;
pub mod mask;
pub mod matter;
pub mod moment;
pub mod naming;
pub mod playing;
pub mod recipients;
pub mod registering;
pub mod rehearsing;
pub mod retiming;
pub mod returning;
pub mod rules;
pub mod shifts;
pub mod simulate;
pub mod stepping;
pub mod supplementing;
pub mod telling;
pub mod trial;
