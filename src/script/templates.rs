//! The templates, one file each, named after the action that uses them.
//!
//! In: the files of `/templates`. Out: one constant each, so that a missing file does not compile.

/// A bash template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    name: &'static str,
    parts: &'static [&'static str],
    text: &'static str,
}

impl Template {
    /// Its file name: `start_server.sh`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Its text, as it stands in the file.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.text
    }

    /// The texts that it uses, which hold no values.
    #[must_use]
    pub const fn parts(self) -> &'static [&'static str] {
        self.parts
    }

    /// Any text, for tests of the language itself.
    #[cfg(test)]
    pub(super) const fn of(text: &'static str) -> Self {
        Self { name: "test.sh", parts: &[], text }
    }
}

/// `LOCK = "lock.sh" with "lib/lock.sh";` declares `Template::LOCK`: that file of `/templates`, and the files whose functions
/// it uses.
macro_rules! templates {
    ($($name:ident = $file:literal $(with $($part:literal),+)?;)*) => {
        impl Template {
            $(
                #[doc = concat!("`templates/", $file, "`")]
                pub const $name: Self = Self {
                    name: $file,
                    parts: &[$($(include_str!(concat!("../../templates/", $part))),+)?],
                    text: include_str!(concat!("../../templates/", $file)),
                };
            )*

            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

templates! {
    ADOPT_SERVER = "adopt_server.sh" with "lib/owner.sh";
    ASK_AGAIN = "ask_again.sh" with "lib/exit_codes.sh", "lib/runs.sh", "lib/proc.sh", "lib/session.sh", "lib/http.sh";
    AWAIT_READY = "await_ready.sh" with "lib/exit_codes.sh", "lib/runs.sh", "lib/proc.sh", "lib/session.sh", "lib/http.sh";
    BLOCKED = "blocked.sh" with "lib/proc.sh", "lib/session.sh";
    COMMAND_LINES = "command_lines.sh";
    FETCH_WEIGHTS = "fetch_weights.sh" with "lib/uv.sh", "lib/proc.sh", "lib/hub_cache.sh", "lib/secrets.sh";
    FOLLOW_LOG = "follow_log.sh" with "lib/exit_codes.sh", "lib/runs.sh", "lib/proc.sh", "lib/session.sh";
    HISTORY = "history.sh";
    INSTALL_ENGINE = "install_engine.sh" with "lib/uv.sh", "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh";
    INSTALL_PACKAGES = "install_packages.sh";
    JOURNAL = "journal.sh" with "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh";
    LOCK = "lock.sh" with "lib/exit_codes.sh", "lib/lock.sh";
    MARK_ANSWERED = "mark_answered.sh" with "lib/runs.sh", "lib/proc.sh", "lib/session.sh";
    MARK_FAILED = "mark_failed.sh";
    MOUNT_STORAGE = "mount_storage.sh";
    PASS_SIGNAL = "pass_signal.sh";
    PROBE = "probe.sh" with "probe_records.sh", "lib/proc.sh", "lib/spec.sh", "lib/runs.sh", "lib/http.sh",
        "probe_host.sh", "probe_processes.sh", "probe_home.sh", "lib/lock.sh", "probe_weights.sh",
        "probe_gpus.sh";
    PROMOTE = "promote.sh" with "lib/proc.sh", "lib/session.sh", "lib/spec.sh",
        "lib/runs.sh", "lib/end_session.sh", "lib/end_runs.sh", "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh";
    REMOVE_ENGINE = "remove_engine.sh";
    REMOVE_REST = "remove_rest.sh";
    REMOVE_SERVER = "remove_server.sh" with "lib/proc.sh", "lib/session.sh", "lib/spec.sh",
        "lib/runs.sh", "lib/end_session.sh", "lib/end_runs.sh", "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh";
    REMOVE_WEIGHTS = "remove_weights.sh";
    RUN_COMMAND = "run_command.sh" with "lib/serve.sh", "lib/proc.sh", "lib/session.sh", "lib/unit.sh",
        "lib/log_limit.sh";
    RUN_LLAMA_CPP = "run_llama_cpp.sh" with "lib/serve.sh", "lib/proc.sh", "lib/session.sh", "lib/unit.sh",
        "lib/log_limit.sh";
    RUN_VLLM = "run_vllm.sh" with "lib/serve.sh", "lib/proc.sh", "lib/session.sh", "lib/unit.sh", "lib/log_limit.sh";
    START_SERVER = "start_server.sh" with "lib/proc.sh", "lib/session.sh", "lib/spec.sh",
        "lib/runs.sh", "lib/end_session.sh", "lib/end_runs.sh", "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh", "lib/guard.sh",
        "lib/owner.sh", "lib/secrets.sh";
    STOP_RUN = "stop_run.sh" with "lib/proc.sh", "lib/session.sh", "lib/spec.sh",
        "lib/runs.sh", "lib/end_session.sh", "lib/end_runs.sh", "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh";
    STOP_SERVER = "stop_server.sh" with "lib/proc.sh", "lib/session.sh", "lib/spec.sh",
        "lib/runs.sh", "lib/end_session.sh", "lib/end_runs.sh", "lib/lock.sh", "lib/exit_codes.sh", "lib/fence.sh";
    UNLOCK = "unlock.sh" with "lib/lock.sh";
    VITALS = "vitals.sh" with "lib/runs.sh", "lib/proc.sh", "lib/session.sh", "lib/spec.sh", "lib/http.sh", "probe_records.sh";
    WRITE_SECRETS = "write_secrets.sh" with "lib/guard.sh";
}
