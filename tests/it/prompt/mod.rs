//! `pi prompt`: against a real model on a pod, against a server that does what real ones rarely do, at a terminal.

mod faults;
mod real;
mod server;
mod stories;
mod terminal;
