//! The real program, driven as a user drives it.

mod comfort;
mod commands;
mod doctor;
mod driver;
mod edges;
mod export;
mod formats;
mod interruption;
mod landmarks;
mod looking;
mod networks;
mod outside;
mod page;
mod partner;
mod pictures;
mod sensitivity;
mod slurm;
mod sources;
mod splice;
mod study;
mod trust;
mod workers;
