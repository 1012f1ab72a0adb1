//! The results folder.
//!
//! In: rows. Out: Parquet tables, manifests and their folders; every file is written atomically, and damage is
//! detected before its content is used. This room defines the names and types of all columns and does not depend on
//! how they are computed.

pub mod claim;
pub mod column;
pub mod error;
pub mod evaluation;
pub mod former;
pub mod json;
pub mod log;
pub mod lookup;
pub mod manifest;
pub mod needs;
pub mod orphans;
pub mod plain;
pub mod predictions;
pub mod results;
pub mod rows;
pub mod seal;
pub mod session;
mod swept;
pub mod table;
pub mod terms;
pub mod whole;

pub use claim::{Claim, Locks, try_locks};
pub use error::StoreError;
pub use evaluation::{EvaluationRecord, MadeOn};
pub use former::Former;
pub use json::{read_json, write_json, write_sealed_json};
pub use log::{LogLine, rate, rate_decimals};
pub use lookup::{AllRuns, LookupError, Named};
pub use manifest::{Manifest, TrainingStatus, hash_file};
pub use needs::{Need, needs};
pub use orphans::{Orphan, OrphanKind, Orphans};
pub use plain::{open_plain, read_plain, read_text};
pub use predictions::{
    PredictionSource, collect_predictions, for_each_run, read_evaluation, write_predictions,
};
pub use results::{CACHE, Results};
pub use rows::*;
pub use session::{Live, LiveWorker, Queue, Session, host, sessions};
pub use swept::are_numbers;
pub use table::{Table, read_table, write_table};
pub use terms::{
    CurveKind, CurveOrder, MapMethod, Metric, NoneSeen, RunStatus, Term, Worth, term_or_none,
};
pub use whole::{FileKind, file_kind, open_log, remove, write_new, write_whole};
