//! `pi man`: manual pages, for packagers.

use crate::bounded::{self, MANUAL};
use crate::cli::terminal::exit::{Exit, usage};
use crate::ui;
use crate::whole::{self, Readers};
use clap::Command;
use clap_mangen::Man as Page;
use miette::{IntoDiagnostic, Result, WrapErr};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pi man | man -l -                     read it
  pi man --out /usr/share/man/man1      pi.1 and a page for each command")]
pub(in crate::cli) struct Man {
    /// Write a page for `pi` and one per command to this directory
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
}

pub(in crate::cli) fn run(args: &Man, command_line: Command) -> Result<Exit> {
    if let Some(directory) = &args.out {
        let mut all = Vec::new();
        let mut root = command_line.disable_help_subcommand(true);
        root.build();
        pages(&root, &mut all)?;
        let cannot = || format!("cannot write manual pages into {}", directory.display());
        std::fs::create_dir_all(directory).into_diagnostic().wrap_err_with(cannot)?;
        all.iter().try_for_each(|(name, _)| may_be_written(&directory.join(name)))?;
        for (name, text) in all {
            let written = whole::replace(&directory.join(name), &text, Readers::Umask);
            written.into_diagnostic().wrap_err_with(cannot)?;
        }
        return Ok(Exit::Done);
    }
    ui::data(&text(&Page::new(command_line))?)?;
    Ok(Exit::Done)
}

/// The page of a command and those of all below it, each with its file's name.
fn pages(command: &Command, all: &mut Vec<(String, String)>) -> Result<()> {
    let page = Page::new(command.clone());
    all.push((page.get_filename(), text(&page)?));
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| pages(below, all))
}

fn text(page: &Page) -> Result<String> {
    let mut text = Vec::new();
    page.render(&mut text).into_diagnostic()?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Only an older page of pi's is overwritten.
fn may_be_written(path: &Path) -> Result<()> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    let is_page =
        || bounded::text(path, MANUAL).is_ok_and(|text| text.lines().any(|line| line.starts_with(".TH pi")));
    if found.is_file() && is_page() {
        return Ok(());
    }
    let help = "only manual pages of pi are overwritten: name another directory";
    Err(usage(format!("{} is there already, and is no manual page of pi", path.display()), help))
}
