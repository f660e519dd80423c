//! Every integration test in one executable: each further one would link the whole product again.
#![expect(clippy::unwrap_used, reason = "a test that does not hold panics")]

mod agreements;
mod architecture;
mod audit;
mod authorisation;
mod capture;
mod certificates;
mod changes;
mod chinook;
mod crash;
mod demo;
mod enquiry;
mod evidence;
mod feed_kill;
mod ingest;
mod lease;
mod link;
mod link_case;
mod link_input;
mod link_numbers;
mod link_train;
mod node;
mod onboarding;
mod order;
mod privacy;
mod process;
mod propose;
mod refusals;
mod rest;
mod review;
mod secret;
mod supply;
mod surface;
mod tidy;
mod watchers;
mod workspace;
