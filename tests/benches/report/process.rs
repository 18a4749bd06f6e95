//! The server under measurement: a process of its own in an empty folder.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::Connection;

/// Clock ticks per second in `/proc`; fixed on Linux.
const TICKS: f64 = 100.0;

/// A running server; ends with its value.
pub struct Server {
    child: Child,
    binary: PathBuf,
    folder: tempfile::TempDir,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to its first 200.
    pub cold_start: Duration,
}

impl Server {
    /// Starts on an empty folder and waits for the first 200.
    pub fn start(binary: &Path) -> Self {
        Self::start_in(binary, tempfile::tempdir().expect("scratch folder"))
    }

    /// The same on a copy of a folder's database and key.
    pub fn start_with(binary: &Path, from: &Path) -> Self {
        let folder = tempfile::tempdir().expect("scratch folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("made");
        for file in ["vestibule.db", "master.key"] {
            std::fs::copy(from.join(file), data.join(file)).expect("copied");
        }
        Self::start_in(binary, folder)
    }

    fn start_in(binary: &Path, folder: tempfile::TempDir) -> Self {
        let begun = Instant::now();
        let mut child = Self::command(binary, folder.path())
            .arg("serve")
            .env("VESTIBULE_LISTEN", "127.0.0.1:0")
            .env("VESTIBULE_OPS_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = loop {
            let line = lines.next().expect("the server says where it listens").expect("readable");
            if let Some(url) = line.strip_prefix("listening on http://") {
                let port =
                    url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
                break SocketAddr::from(([127, 0, 0, 1], port));
            }
        };
        // Keep reading, so that the server never waits for us.
        std::thread::spawn(move || for _ in lines {});
        let status = Connection::open(address).get("/healthz").status;
        assert_eq!(status, 200, "healthz");
        Self { cold_start: begun.elapsed(), child, binary: binary.to_owned(), folder, address }
    }

    fn command(binary: &Path, folder: &Path) -> Command {
        let mut command = Command::new(binary);
        command.current_dir(folder).env("VESTIBULE_DATA_DIR", folder.join("data")).env("VESTIBULE_LOG__LEVEL", "error");
        command
    }

    /// Runs a command of the same binary beside the server.
    pub fn run(&self, arguments: &[&str], input: &str) {
        let mut child = Self::command(&self.binary, self.folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the command starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
        assert!(child.wait().expect("ends").success(), "vestibule {}", arguments.join(" "));
    }

    /// The same with variables of the environment.
    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) {
        let mut command = Self::command(&self.binary, self.folder.path());
        let done = command.args(arguments).envs(variables.iter().copied()).output().expect("the command runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs a command that must end with this code, and watches what it takes.
    pub fn watched(&self, arguments: &[&str], code: i32) -> Taken {
        let begun = Instant::now();
        let mut child = Self::command(&self.binary, self.folder.path())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let mut taken = Taken::default();
        let ended = loop {
            // Neither goes down while it runs, so the last look is the whole of it, but for a few milliseconds.
            if let Some(megabytes) = megabytes_of(child.id(), "VmHWM:") {
                taken.most_megabytes = megabytes;
                taken.cpu_seconds = cpu_seconds_of(child.id()).unwrap_or(taken.cpu_seconds);
            }
            if let Some(ended) = child.try_wait().expect("a child") {
                break ended;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        taken.seconds = begun.elapsed().as_secs_f64();
        assert_eq!(ended.code(), Some(code), "vestibule {}", arguments.join(" "));
        taken
    }

    /// A request that must be answered 200.
    pub fn get_ok(&self, path: &str) {
        assert_eq!(Connection::open(self.address).get(path).status, 200, "{path}");
    }

    /// Memory in use.
    pub fn resident_megabytes(&self) -> f64 {
        megabytes_of(self.child.id(), "VmRSS:").expect("VmRSS")
    }

    /// The most memory that was in use at once.
    pub fn most_megabytes(&self) -> f64 {
        megabytes_of(self.child.id(), "VmHWM:").expect("VmHWM")
    }

    /// CPU used so far by all threads.
    pub fn cpu_seconds(&self) -> f64 {
        self.threads().map(|(_, seconds)| seconds).sum()
    }

    /// CPU used so far by the threads that are called so, and by all others.
    pub fn cpu_seconds_of_threads(&self, called: &str) -> (f64, f64) {
        let (mut these, mut others) = (0.0, 0.0);
        for (name, seconds) in self.threads() {
            *if name.starts_with(called) { &mut these } else { &mut others } += seconds;
        }
        (these, others)
    }

    /// The threads by name, with the CPU that each has used.
    fn threads(&self) -> impl Iterator<Item = (String, f64)> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("/proc");
        tasks.map(|task| task.expect("a thread").path()).map(|task| {
            let name = std::fs::read_to_string(task.join("comm")).expect("a name");
            let spent = std::fs::read_to_string(task.join("schedstat")).expect("its time");
            let nanoseconds: f64 = spent.split(' ').next().and_then(|text| text.parse().ok()).expect("nanoseconds");
            (name, nanoseconds / 1e9)
        })
    }
}

/// What a command took.
#[derive(Default)]
pub struct Taken {
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub most_megabytes: f64,
}

/// A line of a process's status; nothing once it has ended.
fn megabytes_of(process: u32, line: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let rest = status.lines().find_map(|found| found.strip_prefix(line))?;
    Some(rest.split_whitespace().next()?.parse::<f64>().ok()? / 1e3)
}

fn cpu_seconds_of(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
