//! The real program, driven as a user drives it.

mod commands;
mod driver;
mod interruption;
mod looking;
mod workers;
