//! `pi`, the command.

fn main() {}
