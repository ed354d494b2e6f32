//! `pi prompt`: talk to a model, and see whether it can use tools.

mod args;
mod message;
mod server;
mod stopping;

pub(in crate::cli) use args::Args;

use crate::agent::tools::Grounds;
use crate::agent::{
    Ending, Event, Measured, Message, Session, Talk, Toolbox, Trouble, history, remember_line, system, talk,
};
use crate::cli::context::flags::Global;
use crate::cli::context::manifest_path::config_dir;
use crate::cli::terminal::exit::{Exit, usage};
use crate::ui::{self, Conversation, Reader, Typed, Typing};
use miette::{IntoDiagnostic, Result, WrapErr};
use std::path::{Path, PathBuf};
use stopping::stoppable;

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let messages = message::all(args)?;
    let here = Here::find(global)?;
    let toolbox = toolbox(args, &here.directory)?;
    let mut session = here.session(args)?;
    let connected = server::connect(global, args).await?;
    let system = system(args.system.as_deref(), toolbox.as_ref());
    let client = &connected.client;
    let talk = Talk { client, system: &system, toolbox: toolbox.as_ref(), max_turns: args.max_turns };
    let mut speaker = Speaker { talk, args, session: &mut session };
    let exit = speaker.say_all(messages, &here).await;
    connected.close().await;
    exit
}

/// Where pi keeps its things, and where it was typed.
struct Here {
    config_dir: PathBuf,
    directory: PathBuf,
}

impl Here {
    fn find(_global: &Global) -> Result<Self> {
        let directory = std::env::current_dir().and_then(|directory| directory.canonicalize());
        let directory = directory.into_diagnostic().wrap_err("cannot find the working directory")?;
        Ok(Self { config_dir: config_dir()?, directory })
    }

    fn session(&self, args: &Args) -> Result<Session> {
        let Self { config_dir, directory } = self;
        if !args.r#continue {
            return Ok(Session::new(config_dir, directory));
        }
        Session::last(config_dir, directory)?.ok_or_else(|| {
            usage(format!("there is no session of {} yet", directory.display()), "begin one, without -c")
        })
    }
}

fn toolbox(args: &Args, directory: &Path) -> Result<Option<Toolbox>> {
    if args.no_tools {
        return Ok(None);
    }
    let grounds = Grounds::new(directory, &args.allow).map_err(|(path, error)| {
        usage(
            format!("{} can't be allowed: {error}", path.display()),
            "--allow takes a directory that is there",
        )
    })?;
    // keys and passwords lie there, and what a tool reads goes to the server
    if std::env::home_dir()
        .and_then(|home| home.canonicalize().ok())
        .is_some_and(|home| home.starts_with(directory))
    {
        let shown = directory.display();
        ui::note(&format!(
            "The model may read all of {shown}, your home. Better: cd into a project, or --no-tools."
        ));
    }
    Ok(Some(Toolbox::new(grounds)))
}

/// Says messages and shows what comes.
struct Speaker<'a> {
    talk: Talk<'a>,
    args: &'a Args,
    session: &'a mut Session,
}

impl Speaker<'_> {
    /// The messages of the command line, then those that are typed.
    async fn say_all(&mut self, messages: Vec<String>, here: &Here) -> Result<Exit> {
        if self.args.json {
            let server = self.talk.client.server();
            let session = self.session.path().display().to_string();
            ui::data(&ui::begin_json(&server.model, &server.base_url, &session))?;
        }
        for message in messages {
            let exit = self.say(message).await?;
            if exit != Exit::Done {
                return Ok(exit);
            }
        }
        if self.args.interactive { self.say_what_is_typed(here).await } else { Ok(Exit::Done) }
    }

    /// One message after the other until Ctrl-D. After Ctrl-C, which stops an answer, another one leaves.
    async fn say_what_is_typed(&mut self, here: &Here) -> Result<Exit> {
        let Here { config_dir, directory } = here;
        let mut typing = Typing::new(&history(config_dir, directory))?;
        ui::note(&format!("{}. Ctrl-C stops an answer, Ctrl-D leaves.", self.talk.client.server().model));
        let mut interrupted = false;
        loop {
            match tokio::task::block_in_place(|| typing.read())? {
                Typed::End => return Ok(Exit::Done),
                Typed::Interrupted if interrupted => return Ok(Exit::Interrupted),
                Typed::Interrupted => {
                    interrupted = true;
                    ui::note("Ctrl-C again leaves, or Ctrl-D.");
                }
                Typed::Line(line) => {
                    remember_line(config_dir, directory, &line)?;
                    interrupted = match self.say(line).await {
                        Ok(exit) => exit == Exit::Interrupted,
                        // the next message may fare better
                        Err(report) => {
                            ui::error(&report);
                            false
                        }
                    };
                }
            }
        }
    }

    /// One message, until the model has answered it.
    async fn say(&mut self, message: String) -> Result<Exit> {
        let Self { talk: with, args, session } = self;
        let mut shown =
            Shown { json: args.json, conversation: Conversation::default(), measured: Measured::default() };
        let mut gone = false;
        let done = stoppable(async |stop| {
            let mut tell = |event: Event| {
                if shown.tell(&event) == Reader::Gone {
                    gone = true;
                    stop.cancel();
                }
            };
            talk(with, session, message, stop, &mut tell).await
        })
        .await;
        shown.pause();
        let ending = done.inspect_err(|report| shown.trouble(report))?;
        let answer = answer_of(session, ending);
        shown.end(ending, &answer)?;
        if args.stats {
            ui::note(&ui::stats(&shown.measured));
        }
        Ok(match ending {
            Ending::Interrupted if gone => Exit::Done,
            Ending::Answered | Ending::Full | Ending::Filtered => Exit::Done,
            Ending::OutOfTurns => Exit::Failed,
            Ending::Interrupted => Exit::Interrupted,
        })
    }
}

/// The text that a message came to.
fn answer_of(session: &Session, ending: Ending) -> String {
    match (session.messages().last(), ending) {
        (Some(Message::Assistant(answer)), Ending::Answered | Ending::Full | Ending::Filtered) => {
            answer.text.clone()
        }
        _ => String::new(),
    }
}

/// What is shown of one message's exchange.
struct Shown {
    json: bool,
    conversation: Conversation,
    measured: Measured,
}

impl Shown {
    fn tell(&mut self, event: &Event) -> Reader {
        if let Event::Turn(measured) = event {
            self.measured = self.measured.and(*measured);
        }
        if self.json { ui::stream(&ui::event_json(event)) } else { ui::tell(&self.conversation.hear(event)) }
    }

    fn pause(&mut self) {
        if !self.json {
            // the reader's absence is known by now
            let _ = ui::tell(&self.conversation.pause());
        }
    }

    /// For programs that read the events; people get to see it as every error.
    fn trouble(&self, report: &miette::Report) {
        if let Some(trouble) = report.downcast_ref::<Trouble>().filter(|_| self.json) {
            let _ = ui::stream(&ui::trouble_json(trouble));
        }
    }

    fn end(&self, ending: Ending, answer: &str) -> Result<()> {
        if self.json {
            return ui::data(&ui::end_json(ending, answer, &self.measured));
        }
        if let Some(words) = ui::ending(ending) {
            ui::note(words);
        }
        Ok(())
    }
}
