//! A Slurm of its own on loopback, in a temporary folder: no root, no systemd.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running Slurm: its controller, a daemon for each node, and munge. All end with it, and what they have started.
pub struct Cluster {
    folder: TempDir,
    munged: Option<Child>,
    pub controller: Option<Child>,
    /// By node.
    pub nodes: Vec<(String, Option<Child>)>,
}

impl Cluster {
    /// Starts nodes of these names with so many processors each. `None`, and a notice, where Slurm is not installed or cannot
    /// start.
    pub fn start(nodes: &[(&str, u32)]) -> Option<Cluster> {
        let made = Cluster::try_start(nodes);
        if let Err(reason) = &made {
            eprintln!(
                "skipped: no Slurm can be started here ({reason}); Debian's packages are slurm-wlm and munge"
            );
        }
        made.ok()
    }

    fn try_start(nodes: &[(&str, u32)]) -> Result<Cluster, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = |name: &str| folder.path().join(name);
        set_mode(folder.path(), 0o755);
        for name in ["munge", "state"] {
            std::fs::create_dir(path(name)).unwrap();
            set_mode(&path(name), 0o755);
        }
        let key: Vec<u8> = (0..128).map(|_| rand::random()).collect();
        std::fs::write(path("munge/key"), key).unwrap();
        set_mode(&path("munge/key"), 0o600);
        std::fs::write(path("slurm.conf"), configuration(folder.path(), nodes)).unwrap();
        let mut cluster = Cluster {
            munged: None,
            controller: None,
            nodes: nodes.iter().map(|(name, _)| ((*name).to_owned(), None)).collect(),
            folder,
        };
        let of = |option: &str, name: &str| format!("{option}={}", cluster.path(name).display());
        let mut munged = Command::new(program("munged")?);
        munged.arg("-F").args([
            of("--key-file", "munge/key"),
            of("--socket", "munge/socket"),
            of("--pid-file", "munge/pid"),
            of("--seed-file", "munge/seed"),
            of("--log-file", "munge/log"),
        ]);
        program("slurmctld")?;
        program("slurmd")?;
        cluster.munged = Some(daemon(&mut munged)?);
        let socket = cluster.path("munge/socket");
        wait("munged", || socket.exists())?;
        cluster.start_controller()?;
        for node in 0..nodes.len() {
            cluster.start_node(node)?;
        }
        let count = nodes.len();
        wait("the nodes", || {
            cluster.say(&["sinfo", "-h", "-N", "-p", "low", "-o", "%T"]).matches("idle").count()
                == count
        })?;
        Ok(cluster)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn configuration(&self) -> PathBuf {
        self.path("slurm.conf")
    }

    pub fn start_controller(&mut self) -> Result<(), String> {
        let mut command = Command::new(program("slurmctld")?);
        self.controller = Some(daemon(command.arg("-D").arg("-f").arg(self.configuration()))?);
        Ok(())
    }

    pub fn start_node(&mut self, node: usize) -> Result<(), String> {
        let mut command = Command::new(program("slurmd")?);
        command.arg("-D").args(["-N", &self.nodes[node].0]).arg("-f").arg(self.configuration());
        command.env("SLURM_CONF", self.configuration());
        self.nodes[node].1 = Some(daemon(&mut command)?);
        Ok(())
    }

    /// As a power cut.
    pub fn kill_node(&mut self, node: usize) {
        if let Some(mut child) = self.nodes[node].1.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn kill_controller(&mut self) {
        if let Some(mut child) = self.controller.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What a command of Slurm prints.
    pub fn say(&self, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("SLURM_CONF", self.configuration()).stdin(Stdio::null());
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The tasks in a state, as `17_1`.
    pub fn tasks(&self, state: &str) -> Vec<String> {
        let printed = self.say(&["squeue", "-h", "-r", "-t", state, "-o", "%i"]);
        printed.split_whitespace().map(str::to_owned).collect()
    }

    /// Requeued tasks start now instead of after two minutes.
    pub fn hurry(&self) {
        for task in self.tasks("PENDING") {
            self.say(&["scontrol", "update", &format!("JobId={task}"), "StartTime=now"]);
        }
    }

    /// Processes that belong to this Slurm's jobs, its own daemons not among them.
    pub fn processes(&self) -> Vec<u32> {
        let own = format!("SLURM_CONF={}", self.configuration().display());
        let daemons = self.nodes.iter().filter_map(|(_, child)| child.as_ref());
        let daemons: Vec<u32> = daemons.map(Child::id).collect();
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let has = environment.split(|byte| *byte == 0).any(|entry| entry == own.as_bytes());
            has && !daemons.contains(pid) && std::process::id() != *pid
        })
        .collect()
    }

    /// Workers of its jobs.
    pub fn workers(&self) -> Vec<u32> {
        let is_worker = |pid: &u32| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
            words.first() == Some(&b"fer-lab".as_slice())
                && words.get(1) == Some(&b"worker".as_slice())
        };
        self.processes().into_iter().filter(is_worker).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.say(&["squeue", "-r"]));
            let log = std::fs::read_to_string(self.path("slurmctld.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        for node in 0..self.nodes.len() {
            self.kill_node(node);
        }
        self.kill_controller();
        for pid in self.processes() {
            // SAFETY: a process of a job of this Slurm, which its environment names.
            unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) };
        }
        if let Some(mut munged) = self.munged.take() {
            let _ = munged.kill();
            let _ = munged.wait();
        }
    }
}

/// Two partitions, of which `high` preempts what runs in `low`.
fn configuration(folder: &Path, nodes: &[(&str, u32)]) -> String {
    let folder = folder.display();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = host.trim().split('.').next().unwrap_or_default().to_owned();
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let user = user.trim();
    let ports = free_ports(nodes.len() + 1);
    let mut text = format!(
        "ClusterName=one\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={}\n\
         CommunicationParameters=NoCtldInAddrAny,NoInAddrAny\nAuthType=auth/munge\nAuthInfo=socket={folder}/munge/socket\n\
         SlurmUser={user}\nSlurmdUser={user}\nStateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool.%n\n\
         SlurmctldPidFile={folder}/slurmctld.pid\nSlurmdPidFile={folder}/slurmd.%n.pid\n\
         SlurmctldLogFile={folder}/slurmctld.log\nSlurmdLogFile={folder}/slurmd.%n.log\n\
         MailProg=/bin/true\nMpiDefault=none\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
         JobAcctGatherType=jobacct_gather/none\nAccountingStorageType=accounting_storage/none\n\
         SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nReturnToService=2\nSlurmdParameters=config_overrides\n\
         SchedulerParameters=batch_sched_delay=1,sched_min_interval=100000,bf_interval=1\nMinJobAge=30\nSlurmdTimeout=10\nKillWait=30\n\
         PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\n",
        ports[0]
    );
    for ((name, cpus), port) in nodes.iter().zip(&ports[1..]) {
        text += &format!(
            "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=64000 State=UNKNOWN\n"
        );
    }
    let names: Vec<&str> = nodes.iter().map(|(name, _)| *name).collect();
    let names = names.join(",");
    text + &format!(
        "PartitionName=low Nodes={names} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=0\n\
         PartitionName=high Nodes={names} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF\n"
    )
}

fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// Daemons lie where a user's path does not lead.
fn program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([
        "/usr/sbin".into(),
        "/usr/local/sbin".into(),
        "/sbin".into(),
    ]);
    let mut files = folders.map(|folder| folder.join(name));
    files.find(|file| file.is_file()).ok_or_else(|| format!("there is no {name}"))
}

fn daemon(command: &mut Command) -> Result<Child, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().map_err(|error| error.to_string())
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

fn wait(what: &str, mut ready: impl FnMut() -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !ready() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("{what}: not there after 20 s"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
