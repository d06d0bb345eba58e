//! The series that every Prometheus client library has of its process, read from `/proc` whenever metrics are: memory,
//! processor time, open files.
//!
//! What cannot be read has no series: after a change of user the kernel hides a process' open files from itself.

use std::fmt::{self, Debug};
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Units of processor time in a second, as `/proc` counts them on every architecture (`USER_HZ`, proc(5)).
const TICKS_A_SECOND: f64 = 100.0;

const KIB: u64 = 1024;

/// Reads `/proc` of this process.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let file = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let (stat, status) = (file("self/stat"), file("self/status"));
        let boot = file("stat").lines().find_map(|line| line.strip_prefix("btime ")?.parse::<f64>().ok());
        let mut gauge = |name, help, value: Option<f64>| match value {
            Some(value) => write(&mut encoder, name, help, &ConstGauge::new(value)),
            None => Ok(()),
        };
        gauge(
            "process_resident_memory_bytes",
            "Memory in use",
            number(&status, "VmRSS:").map(|kib| (kib * KIB) as f64),
        )?;
        gauge("process_threads", "Threads", number(&status, "Threads:").map(|count| count as f64))?;
        gauge(
            "process_open_fds",
            "Open files",
            fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1) as f64),
        )?;
        gauge("process_max_fds", "The most files that may be open", open_files(&file("self/limits")))?;
        let started = field(&stat, 22).zip(boot).map(|(ticks, boot)| boot + ticks / TICKS_A_SECOND);
        gauge("process_start_time_seconds", "When the process began, in seconds since the epoch", started)?;
        let processor = field(&stat, 14).zip(field(&stat, 15));
        match processor.map(|(user, system)| (user + system) / TICKS_A_SECOND) {
            Some(seconds) => {
                let help = "Processor time in user and system mode";
                write(&mut encoder, "process_cpu_seconds", help, &ConstCounter::new(seconds))
            }
            None => Ok(()),
        }
    }
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &(impl EncodeMetric + Debug),
) -> fmt::Result {
    value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
}

/// Returns a field of `/proc/PID/stat` by its number in proc(5). The second, the name of the program, may hold spaces.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(number - 3)?.parse().ok()
}

/// Returns the number behind a word at the start of a line.
fn number(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.split_whitespace().next()?.parse().ok())
}

fn open_files(limits: &str) -> Option<f64> {
    number(limits, "Max open files").map(|limit| limit as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_spaces_and_brackets_in_its_name_is_read_all_the_same() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 9 0 12345 0";
        assert_eq!([14, 15, 22].map(|number| field(stat, number)), [Some(250.0), Some(50.0), Some(12345.0)]);
        assert_eq!(field("", 14), None);
    }

    #[test]
    fn the_limit_and_the_memory_are_read_with_their_units() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 1048576              files\n";
        assert_eq!(open_files(limits), Some(1024.0));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            None
        );
        assert_eq!(number("Name:\tmeridian\nVmRSS:\t   20480 kB\n", "VmRSS:"), Some(20_480));
    }
}
