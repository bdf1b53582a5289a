//! Processes of this machine, from /proc.

use std::fs;

/// What /proc says of a process.
pub struct Stat {
    pub parent: u32,
    /// Hundredths of a second.
    pub ticks: u64,
    pub ticks_of_ended_children: u64,
}

impl Stat {
    pub fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The second field is the program's name, in brackets, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
            ticks_of_ended_children: number(13)? + number(14)?,
        })
    }
}

/// Processor time of one process, in microseconds.
pub fn micros_of(process: u32) -> Option<f64> {
    Some(Stat::of(process)?.ticks as f64 * 10_000.0)
}

/// Every process.
pub fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The process that listens on a TCP port of this machine.
pub fn listening_on(port: u16) -> Option<u32> {
    let socket = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let local = fields.get(1)?.rsplit_once(':')?.1;
            // 0A: listening.
            (u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == "0A")
                .then(|| format!("socket:[{}]", fields[9]))
        })
    })?;
    processes().find(|process| {
        let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|link| link.as_os_str() == socket.as_str())
    })
}
