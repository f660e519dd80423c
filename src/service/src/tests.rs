//! The use cases together, on `SQLite` in memory.

mod agreement;
mod archive;
mod audit;
mod day;
mod emergency;
mod enquiry;
mod erasure;
mod feed;
mod feed_random;
mod flow;
mod gate;
mod gold;
mod guard;
mod image;
mod kill;
mod life;
mod living;
mod node;
mod operate;
mod replay;
mod review;
mod schedule;
mod sweep;
mod transparency;
mod watch;
mod writer;
