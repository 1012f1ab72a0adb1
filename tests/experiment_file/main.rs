//! What is said of the experiment file for people and for editors, against the parser: the JSON Schema,
//! and the commented file that `init` writes.

mod editors;
mod ids;
mod probes;
mod schema;
mod starter;
