//! The play: domain time goes from one thing that is to happen to the next, a report that comes in, an act of the staff, a duty's clock that runs
//! out, something that comes round. At each it stands until the thing has happened and all is settled; then who plays the staff looks at it and
//! plans what he does next.

use super::board::Board;
use super::cast::{AtWork, Cast};
use super::pace::Pace;
use super::script::{Entry, Script};
use super::sending::Sending;
use super::settling::{Settling, Told};
use jiff::{SignedDuration, Timestamp};

/// How much before a report a quiet stretch ends.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// So often at most one thing leads to the next at one instant.
const ROUNDS: usize = 20;

/// Who plays, and on what.
pub(super) struct Play<'a> {
    pub script: &'a Script,
    pub pace: &'a Pace,
    pub cast: Option<&'a Cast>,
    pub settling: Settling,
    pub board: &'a Board,
    /// What is longer than this without a report is stepped over.
    pub quiet: SignedDuration,
}

/// The first microsecond that is not before `at`: clocks are set in microseconds.
fn whole(at: Timestamp) -> Result<Timestamp, jiff::Error> {
    let micros = at.as_microsecond();
    let before = Timestamp::from_microsecond(micros)?;
    if before < at { Timestamp::from_microsecond(micros + 1) } else { Ok(before) }
}

impl Play<'_> {
    /// Plays to the end of the script; what is then left of the sending is what became of the reports.
    ///
    /// # Errors
    /// When database or broker do not answer.
    pub(super) async fn to_the_end(&self, sending: &mut Sending) -> anyhow::Result<()> {
        let mut entries = self.script.entries.iter().peekable();
        let mut at_work = AtWork::default();
        let ends = self.script.ends();
        loop {
            while let Some(entry) = entries.next_if(|entry| entry.at <= self.pace.now()) {
                sending.send(entry, self.board).await;
            }
            let known = self.staff(&mut at_work, sending).await?;
            let report = entries.peek().map(|entry: &&Entry| entry.at);
            if report.is_none() && self.pace.now() >= ends {
                return Ok(());
            }
            let acts = at_work.next();
            if let Some(target) = self.over_the_quiet(report, acts) {
                self.pace.stand_at(target).await?;
                continue;
            }
            let next = [report, acts, Some(ends)].into_iter().flatten().min().unwrap_or(ends);
            self.go_to(next.max(self.pace.now()), known).await?;
        }
    }

    /// The staff does what it had planned for now, and then looks what there is to do. Until nothing more happens at this instant.
    async fn staff(&self, at_work: &mut AtWork, sending: &Sending) -> anyhow::Result<Told> {
        let Some(cast) = self.cast else {
            self.settling.taken_in(sending.accepted()).await?;
            return Ok(Told::default());
        };
        let mut told = self.settling.settled(sending.accepted() + cast.handed_in()).await?;
        for _ in 0..ROUNDS {
            cast.look(at_work).await?;
            if cast.act(at_work).await == 0 {
                break;
            }
            told = self.settling.settled(sending.accepted() + cast.handed_in()).await?;
        }
        Ok(told)
    }

    /// Where to step to when nothing comes in for long.
    fn over_the_quiet(&self, report: Option<Timestamp>, acts: Option<Timestamp>) -> Option<Timestamp> {
        let report = report.filter(|at| at.duration_since(self.pace.now()) > self.quiet)?;
        let target = report.checked_sub(BEFORE).ok()?;
        Some(acts.map_or(target, |at| at.min(target))).filter(|target| *target > self.pace.now())
    }

    /// Domain time goes there, or to where a duty's clock runs out before, or until something is told on the way that the staff may have to do
    /// with.
    async fn go_to(&self, next: Timestamp, known: Told) -> anyhow::Result<()> {
        let timer = self.settling.next_timer().await?.filter(|timer| *timer > self.pace.now());
        let next = whole(timer.map_or(next, |timer| timer.min(next)))?;
        while self.pace.now() < next {
            self.pace.step_towards(next).await?;
            if self.cast.is_some() && self.settling.told().await? != known {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::whole;
    use jiff::Timestamp;

    #[test]
    fn a_clock_set_in_microseconds_comes_to_what_is_planned_between_two_of_them() {
        let at = |nanos| Timestamp::from_nanosecond(nanos).unwrap();
        assert_eq!(whole(at(1_000)).unwrap(), at(1_000));
        assert_eq!(whole(at(1_001)).unwrap(), at(2_000));
        assert_eq!(whole(at(-1)).unwrap(), at(0));
    }
}
