//! The flags of the access log.

use super::environment;
use super::list;
use super::serve::{LogFormat, bytes};
use clap::Args;
use gate_telemetry::access_log::{AccessLogConfig, Sink};
use std::path::PathBuf;

/// One line about every request.
#[derive(Args, Debug)]
pub(crate) struct AccessLogArgs {
    /// Where a line about every request goes: to standard error, to a file, or nowhere
    #[arg(id = "access-log", long, env = environment::ACCESS_LOG, value_name = "stderr|off|FILE", default_value = SINK,
          value_parser = sink, value_hint = clap::ValueHint::FilePath)]
    sink: SinkArg,

    /// The form of these lines; that of the log when not given
    #[arg(id = "access-log-format", long, env = environment::ACCESS_LOG_FORMAT, value_name = "FORMAT", value_enum)]
    format: Option<LogFormat>,

    /// Which share of the requests that ended well get a line, from 0 to 1; all others always do
    #[arg(id = "access-log-sample", long, env = environment::ACCESS_LOG_SAMPLE, value_name = "SHARE",
          default_value = SAMPLE, value_parser = share)]
    sample_successes: f64,

    /// How large the file may become before another one is begun, K, M and G may follow, and how many of those before it are
    /// kept; 0 = one file for ever
    #[arg(id = "access-log-rotate", long, env = environment::ACCESS_LOG_ROTATE, value_name = "BYTES[:FILES]",
          default_value = ROTATE, value_parser = rotation)]
    rotation: Rotation,

    /// A query parameter whose value is masked in logs, besides token, key, password and their like; may be given several times
    #[arg(id = "log-mask-query", long, env = environment::LOG_MASK_QUERY, value_name = "NAME", value_delimiter = ',',
          value_parser = list::item())]
    sensitive_parameters: Vec<String>,
}

/// Where lines go, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SinkArg {
    Off,
    Stderr,
    File(PathBuf),
}

/// When a file is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rotation {
    bytes: u64,
    keep: u32,
}

impl AccessLogArgs {
    /// What was asked for; `log_format` is the form of the log.
    pub(super) fn config(&self, log_format: LogFormat) -> AccessLogConfig {
        let Rotation { bytes: rotate_bytes, keep } = self.rotation;
        AccessLogConfig {
            sink: match &self.sink {
                SinkArg::Off => Sink::Off,
                SinkArg::Stderr => Sink::Stderr,
                SinkArg::File(path) => Sink::File { path: path.clone(), rotate_bytes, keep },
            },
            format: self.format.unwrap_or(log_format).into(),
            sample_successes: self.sample_successes,
            sensitive_parameters: self.sensitive_parameters.iter().map(|name| name.as_str().into()).collect(),
        }
    }
}

/// Where the log is, and where a terminal, systemd and container runtimes look for it: who was slow and why can be found afterwards
/// although nobody had thought of it before.
const SINK: &str = "stderr";
/// Whoever counts lines counts requests.
const SAMPLE: &str = "1";
/// Some 400,000 lines a file. A disk that fills up is worse than an old line that is gone.
const ROTATE: &str = "256M:7";
/// When only the size is given.
const FILES: &str = "7";
/// Enough for any archive; catches a size that slipped behind the colon.
const FILES_MAX: u32 = 10_000;

fn sink(text: &str) -> Result<SinkArg, &'static str> {
    match text {
        "" => Err("expected stderr, off, or the name of a file"),
        "off" => Ok(SinkArg::Off),
        "stderr" => Ok(SinkArg::Stderr),
        path => Ok(SinkArg::File(path.into())),
    }
}

/// A share of something.
pub(super) fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("expected a number from 0 to 1, such as 0.05")
}

fn rotation(text: &str) -> Result<Rotation, &'static str> {
    let (size, files) = text.split_once(':').unwrap_or((text, FILES));
    let keep = files.parse().ok().filter(|files| *files <= FILES_MAX);
    match (bytes(size), keep) {
        (Ok(bytes), Some(keep)) => Ok(Rotation { bytes, keep }),
        _ => Err("expected a number of bytes and one of files, such as 100M:5"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rotation(text: &str, bytes: u64, keep: u32) {
        assert_eq!(rotation(text), Ok(Rotation { bytes, keep }));
    }

    #[test]
    fn a_rotation_is_a_size_and_a_number_of_files() {
        check_rotation("100M:5", 100 << 20, 5);
        check_rotation("1G", 1 << 30, 7);
        check_rotation("0", 0, 7);
        check_rotation("4096:0", 4096, 0);
        for wrong in ["", ":", ":5", "100M:", "100M:-1", "100M:5:5", "100M:100M", "x:5"] {
            assert!(rotation(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_word_for_a_sink_is_a_file() {
        assert_eq!(sink("off"), Ok(SinkArg::Off));
        assert_eq!(sink("stderr"), Ok(SinkArg::Stderr));
        assert_eq!(sink("./off"), Ok(SinkArg::File("./off".into())));
    }

    #[test]
    fn a_share_is_from_0_to_1() {
        assert_eq!(share("0.05"), Ok(0.05));
        for wrong in ["1.01", "-0.1", "NaN", "inf", "5%", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
