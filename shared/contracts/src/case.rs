//! Cases: the events of intake and the requests that show and move cases.

mod act;
mod detail;
mod dossier;
mod event;
mod list;
mod sight;

pub use act::{CaseAct, CaseActRequest, CaseActed, RejectedAct};
pub use detail::{
    CaseDetail, CaseLink, CaseShowRequest, Choice, EarlierAnswer, EarlierRequest, FieldSpec, PermittedStep, Reason, TimelineEntry,
};
pub use dossier::{Dossier, DossierRequest};
pub use event::{Before, CARRIED, CaseEvent, MERGED, Step};
pub use list::{CaseExport, CaseList, CaseListRequest, CaseSummary, ExportedCase};
pub use sight::{VisibleAnswer, VisibleRequest, Watcher, WatchersAnswer};
