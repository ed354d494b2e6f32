//! `pi logs`: the end of a server's log, and what is added to it.
//!
//! Every line comes with the place where it ends. When the connection is lost, the next one takes up there: nothing
//! is told twice, and nothing is left out.

use crate::cli::context::complete_names;
use crate::cli::context::endpoint::how_to_start;
use crate::cli::context::flags::Global;
use crate::cli::context::pods_only::PodsOnly;
use crate::cli::terminal::exit::{Exit, away};
use crate::cli::terminal::form::Form;
use crate::cli::terminal::interrupt;
use crate::manifest::Manifest;
use crate::name::{ModelName, PodName, PodPath};
use crate::remote::{self, Job, Remote, RemoteError};
use crate::script::{Template, render};
use crate::ui::{self, Reader};
use clap_complete::engine::ArgValueCandidates;
use miette::{IntoDiagnostic, Result, miette};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pi logs qwen                    the last lines, then follow until Ctrl-C\n  pi logs qwen -n 1000 --no-follow | grep -i error"
)]
pub(in crate::cli) struct Args {
    /// Model in pi.toml, or a server that was seen on a pod
    #[arg(add = ArgValueCandidates::new(complete_names::models))]
    name: String,
    /// Number of lines to show first
    #[arg(short = 'n', long, value_name = "N", default_value = "50")]
    lines: u32,
    /// Exit at the end of the log
    #[arg(long)]
    no_follow: bool,
    /// Show the log of the newest earlier run, and exit at its end
    #[arg(short, long)]
    previous: bool,
    /// Print each line as a JSON object: {"line": "…"}
    #[arg(long)]
    json: bool,
}

/// The values of the script, named as there.
#[derive(Debug, Serialize)]
struct Ask<'a> {
    pi: &'a PodPath,
    name: &'a ModelName,
    count: u32,
    /// Anything, or nothing.
    follow: &'a str,
    last_file: &'a str,
    last_end: u64,
    /// Anything, or nothing.
    previous: &'a str,
}

/// How far the log has been told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    file: String,
    end: u64,
}

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_millis(250);

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let pods = PodsOnly::open(global)?;
    let exit = follow(&pods, args).await;
    pods.remote.close().await;
    exit
}

async fn follow(pods: &PodsOnly, args: &Args) -> Result<Exit> {
    let (pod, name) = pods.places().find(&args.name)?;
    let declared = pods.manifest.pods.get(&pod).ok_or_else(|| miette!("there is no pod `{pod}`"))?;
    let stop = interrupt::while_read();
    let (mut place, mut pause) = (Place::default(), SHORTEST);
    loop {
        let before = place.clone();
        let ask = Ask {
            pi: &declared.pi_path,
            name: &name,
            count: args.lines,
            follow: if args.no_follow || args.previous { "" } else { "yes" },
            last_file: &before.file,
            last_end: before.end,
            previous: if args.previous { "yes" } else { "" },
        };
        let form = Form::from(args.json);
        let ended = tell((pods, &pod), &ask, form, (&mut place, &stop)).await?;
        if stop.is_cancelled() || matches!(ended, Ok(remote::Exit(0))) {
            return Ok(Exit::Done);
        }
        let begun = Begun { told: !place.file.is_empty(), previous: args.previous };
        let lost = lost(&pods.manifest, ended, &name, &pod, begun)?;
        if args.no_follow || args.previous {
            return Err(away(&pod, &lost, Some("run it again".to_owned())));
        }
        if place != before {
            pause = SHORTEST;
        }
        if pause == SHORTEST {
            ui::note(&format!("{pod}: {lost}; trying again, Ctrl-C ends it"));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(Exit::Done),
        }
        pause = (pause * 2).min(LONGEST);
    }
}

/// Whether something has been told yet, and of which run.
#[derive(Clone, Copy)]
struct Begun {
    told: bool,
    previous: bool,
}

/// Why it ended, if it is worth another try: something had been told before.
fn lost(
    manifest: &Manifest,
    ended: Result<remote::Exit, RemoteError>,
    name: &ModelName,
    pod: &PodName,
    Begun { told: began, previous }: Begun,
) -> Result<String> {
    match ended {
        Err(error) if began => Ok(error.to_string()),
        Err(error) => Err(away(pod, &error.to_string(), error.help())),
        Ok(_) if began => Ok("its log is away".to_owned()),
        Ok(remote::Exit(3)) if previous => Err(miette!(
            help = format!("`pi logs {name}` shows the log that there is"),
            "`{name}` has no earlier run whose log is left on {pod}"
        )),
        Ok(remote::Exit(3)) => Err(no_log(manifest, name, pod)),
        Ok(remote::Exit(code)) => Err(miette!("reading the log on {pod} ended with exit code {code}")),
    }
}

/// Tells lines as they come, and notes how far that is.
async fn tell(
    (pods, pod): (&PodsOnly, &PodName),
    ask: &Ask<'_>,
    form: Form,
    (place, stop): (&mut Place, &CancellationToken),
) -> Result<Result<remote::Exit, RemoteError>> {
    let script = render(Template::FOLLOW_LOG, ask).into_diagnostic()?;
    let hear = |line| match line {
        remote::Line::Out(record) => {
            let Some(line) = read(&record, place) else { return };
            let shown = match form {
                Form::Text => format!("{line}\n"),
                Form::Json => ui::json_line(&json!({ "line": line })),
            };
            if ui::stream(&shown) == Reader::Gone {
                stop.cancel();
            }
        }
        remote::Line::Err(complaint) => ui::note(&complaint),
    };
    Ok(pods.remote.run(pod, Job { script: &script, input: None }, stop, hear).await)
}

/// The line in a record. A record that was cut off in the middle is passed over: it comes again.
fn read<'a>(record: &'a str, place: &mut Place) -> Option<&'a str> {
    let (head, rest) = record.split_once('\t')?;
    if head == "file" {
        // a file is begun where the last one ended only if it is the same
        if place.file != rest {
            *place = Place { file: rest.to_owned(), end: 0 };
        }
        return None;
    }
    let (end, line) = (head.parse().ok()?, rest.strip_suffix("\t$")?);
    place.end = end;
    Some(line)
}

fn no_log(manifest: &Manifest, name: &ModelName, pod: &PodName) -> miette::Report {
    miette!(
        help = format!("`pi list` shows what is there; {}", how_to_start(manifest, name)),
        "`{name}` has no log on {pod}: it was never started there"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_moves_with_whole_lines_only() {
        let mut place = Place::default();
        let table = [
            ("file\t12:99", None, "12:99 0"),
            ("5\thello\t$", Some("hello"), "12:99 5"),
            ("11\t\t$", Some(""), "12:99 11"),
            ("20\ta\tb\t$\t$", Some("a\tb\t$"), "12:99 20"),
            // cut off in the middle
            ("31\thel", None, "12:99 20"),
            ("3", None, "12:99 20"),
            ("x\ty\t$", None, "12:99 20"),
            ("file\t12:99", None, "12:99 20"),
            ("file\t13:1", None, "13:1 0"),
        ];
        for (record, line, after) in table {
            assert_eq!(read(record, &mut place), line, "{record}");
            assert_eq!(format!("{} {}", place.file, place.end), after, "{record}");
        }
    }
}
