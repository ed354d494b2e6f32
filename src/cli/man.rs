//! `pi man`: manual pages, for packagers.

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::ui;
use clap::CommandFactory;
use clap_mangen::Man as Page;
use miette::{IntoDiagnostic, Result, WrapErr};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pi man | man -l -                     read it
  pi man --out /usr/share/man/man1      pi.1 and a page for each command")]
pub(super) struct Man {
    /// Write the page of `pi` and one for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

pub(super) fn run(args: &Man) -> Result<Exit> {
    if let Some(directory) = &args.out {
        let cannot = || format!("cannot write manual pages into {}", directory.display());
        std::fs::create_dir_all(directory).into_diagnostic().wrap_err_with(cannot)?;
        clap_mangen::generate_to(Cli::command(), directory).into_diagnostic().wrap_err_with(cannot)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    Page::new(Cli::command()).render(&mut page).into_diagnostic()?;
    ui::data(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}
