//! Weights from a hub: a real one on loopback, asked by pi and by the hub's own client, with pods on this machine.

mod chain;
mod downloads;
mod findings;
mod fit;
mod full;
mod lab;
mod token;
