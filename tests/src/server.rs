//! The running binary: started, watched, stopped, started again.

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::{Browser, DemoPerson, database::Database};

/// Long enough for a loaded machine, short enough to see that nothing comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server to be started: `Vestibule::setup().demo().env("VESTIBULE_…", "…").start()`.
#[derive(Debug)]
pub struct Setup {
    place: Place,
    demo: bool,
}

/// What stays when the process ends.
#[derive(Debug)]
struct Place {
    folder: TempDir,
    database: Database,
    environment: Vec<(String, String)>,
    /// A copy of the binary that is given nothing of this machine's environment.
    alone: Option<PathBuf>,
}

/// A running server.
#[derive(Debug)]
pub struct Vestibule {
    place: Place,
    demo: bool,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    port: u16,
    /// Behind a lock, so that the threads of a test can share a server.
    printed: Mutex<Receiver<String>>,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Words {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Setup {
    /// With the demo organisation inside.
    #[must_use]
    pub fn demo(mut self) -> Self {
        self.demo = true;
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.place.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The binary itself stands in the empty folder, and its environment is what the tests set, and nothing else.
    #[must_use]
    pub fn alone(mut self) -> Self {
        let copy = self.data_dir().join("vestibule");
        fs::copy(binary(), &copy).expect("a copy of the binary");
        self.place.alone = Some(copy);
        self
    }

    /// Starts the server and waits until it listens.
    pub fn start(self) -> Vestibule {
        let process = Process::start(&self.place, self.demo);
        Vestibule { place: self.place, demo: self.demo, process: Some(process) }
    }

    /// Runs another command where the server would run, without a server.
    pub fn cli(&self, arguments: &[&str]) -> Words {
        self.place.run(arguments, "")
    }

    pub fn data_dir(&self) -> &Path {
        self.place.folder.path()
    }
}

impl Vestibule {
    pub fn setup() -> Setup {
        let folder = tempfile::Builder::new().prefix("vestibule-it-").tempdir().expect("a scratch folder");
        Setup {
            place: Place { folder, database: Database::create(), environment: Vec::new(), alone: None },
            demo: false,
        }
    }

    /// An empty installation, listening.
    pub fn start() -> Self {
        Self::setup().start()
    }

    /// The demo organisation, listening.
    pub fn demo() -> Self {
        Self::setup().demo().start()
    }

    /// Another node on the same database, with the same master key. SQLite has no such thing: nothing there.
    pub fn another_node(&self) -> Option<Self> {
        let database = self.place.database.borrow()?;
        let place = Place { database, ..Self::setup().place };
        fs::copy(self.data_dir().join("master.key"), place.folder.path().join("master.key"))
            .expect("a copy of the key");
        let process = Process::start(&place, false);
        Some(Self { place, demo: false, process: Some(process) })
    }

    pub fn port(&self) -> u16 {
        self.process.as_ref().expect("a running server").port
    }

    /// The whole address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port())
    }

    /// A browser that nobody has used yet.
    pub fn browser(&self) -> Browser {
        Browser::new(self.port())
    }

    pub fn data_dir(&self) -> &Path {
        self.place.folder.path()
    }

    /// The process id, for those who read `/proc`.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("a running server").child.id()
    }

    /// Everyone in `demo-users.txt`.
    pub fn demo_people(&self) -> Vec<DemoPerson> {
        let text = fs::read_to_string(self.data_dir().join("demo-users.txt")).expect("the file of demo people");
        text.lines().filter(|line| line.contains('\t')).map(DemoPerson::parse).collect()
    }

    pub fn demo_person(&self, user_name: &str) -> DemoPerson {
        self.demo_people()
            .into_iter()
            .find(|person| person.user_name == user_name)
            .unwrap_or_else(|| panic!("no demo person is called {user_name}"))
    }

    /// Runs another command on the same database.
    pub fn cli(&self, arguments: &[&str]) -> Words {
        self.place.run(arguments, "")
    }

    /// The same, with something on its standard input.
    pub fn cli_with_input(&self, arguments: &[&str], input: &str) -> Words {
        self.place.run(arguments, input)
    }

    /// Starts another command on the same database and does not wait for it.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.place.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the binary starts")
    }

    /// Everything that stands in the database, as bytes: the files of SQLite, or a dump of PostgreSQL.
    pub fn stored(&self) -> Vec<u8> {
        self.place.database.dump().unwrap_or_else(|| {
            let files = fs::read_dir(self.data_dir()).expect("the data folder");
            let names = files.map(|file| file.expect("a file").path());
            let ours = names.filter(|name| name.file_name().is_some_and(|name| name.to_string_lossy().contains(".db")));
            ours.flat_map(|name| fs::read(name).expect("a file of the database")).collect()
        })
    }

    /// What the server has printed on standard output since the last call.
    pub fn printed(&self) -> Vec<String> {
        let Some(process) = &self.process else { return Vec::new() };
        process.printed.lock().unwrap_or_else(PoisonError::into_inner).try_iter().collect()
    }

    /// Everything the server has written to standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.log()).unwrap_or_default()
    }

    /// Kills the process while threads of the test still talk to it.
    pub fn kill_now(&self) {
        let killed = Command::new("kill").args(["-KILL", &self.process_id().to_string()]).status();
        assert!(killed.expect("kill is installed").success());
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().expect("the process is ours");
            process.child.wait().expect("the process is ours");
        }
    }

    /// Asks the server to end, as `systemctl stop` does, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a running server");
        let asked = Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status();
        assert!(asked.expect("kill is installed").success());
        process.child.wait().expect("the process is ours")
    }

    /// Starts it again on the same data; the port is another one.
    pub fn start_again(&mut self) {
        self.kill();
        self.process = Some(Process::start(&self.place, self.demo));
    }
}

impl Drop for Vestibule {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Place {
    fn log(&self) -> PathBuf {
        self.folder.path().join("stderr.log")
    }

    fn command(&self) -> Command {
        let mut command = match &self.alone {
            Some(copy) => {
                let mut command = Command::new(copy);
                command.env_clear();
                command
            }
            None => self::command(),
        };
        command
            .current_dir(self.folder.path())
            .env("VESTIBULE_DATA_DIR", self.folder.path())
            .env("VESTIBULE_LISTEN", "127.0.0.1:0")
            .env("VESTIBULE_OPS_LISTEN", "127.0.0.1:0")
            .envs(self.database.url().map(|url| ("VESTIBULE_DATABASE_URL", url)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Words {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command that does not read its input may be gone by now: that is no fault.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let done = child.wait_with_output().expect("the process is ours");
        Words {
            code: done.status.code().unwrap_or(-1),
            out: String::from_utf8(done.stdout).expect("text"),
            err: String::from_utf8(done.stderr).expect("text"),
        }
    }
}

impl Process {
    fn start(place: &Place, demo: bool) -> Self {
        let log = File::options().create(true).append(true).open(place.log()).expect("a log file");
        let mut command = place.command();
        command.arg("serve").args(demo.then_some("--demo"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the binary starts");

        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (send, printed) = mpsc::channel();
        // Reads on to the end, so that the server never waits for somebody to read.
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));

        while let Ok(line) = printed.recv_timeout(PATIENCE) {
            if let Some((_, address)) = line.strip_prefix("listening on ").and_then(|url| url.split_once("://")) {
                let port = address.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
                return Self { child, port: port.expect("the address names a port"), printed: Mutex::new(printed) };
            }
        }
        let _ = child.kill();
        let ended = child.wait();
        panic!(
            "the server did not come up ({ended:?}). It said: {}",
            fs::read_to_string(place.log()).unwrap_or_default()
        );
    }
}

/// The binary with nothing of this machine's environment that could change what it does.
pub(crate) fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("VESTIBULE_")) {
            command.env_remove(name);
        }
    }
    command
}

/// The binary under test: `VESTIBULE_BIN`, or what `cargo build` made.
fn binary() -> PathBuf {
    let path = env::var_os("VESTIBULE_BIN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/vestibule"), PathBuf::from);
    path.canonicalize().unwrap_or_else(|_| panic!("{} is missing: cargo build --bin vestibule", path.display()))
}
