//! `pi`, the command: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    pi::cli::main()
}
