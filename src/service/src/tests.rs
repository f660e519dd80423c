//! The use cases together, on `SQLite` in memory.

mod audit;
mod enquiry;
mod flow;
mod kill;
mod node;
mod operate;
