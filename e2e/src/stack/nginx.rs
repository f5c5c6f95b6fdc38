//! A real nginx (the distribution's, `scripts/nginx.sh`) with server blocks of the test's own, such as those that the
//! documentation shows.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use super::{alive, root, wait_until};
use crate::bench::tools::output_of;

/// A running nginx. Dropping it ends it.
pub struct Nginx {
    process: Child,
}

impl Nginx {
    /// Starts it with these `server` blocks and waits until `address` answers; its files go into `folder`.
    ///
    /// # Panics
    /// Where it can't be had, or doesn't start; with what it said.
    pub async fn start(folder: &Path, servers: &str, address: SocketAddr) -> Self {
        let folder = folder.join("nginx");
        create(&folder);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {};\n", folder.join(kind).display()))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {};\nerror_log stderr warn;\nevents {{}}\nhttp {{\n    \
             access_log off;\n{temporary}{servers}\n}}\n",
            folder.join("pid").display()
        );
        let (path, log) = (folder.join("nginx.conf"), folder.join("log"));
        write(&path, &config);
        let output = std::fs::File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let process = Command::new(program())
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("start nginx: {error}"));
        let nginx = Self { process };
        let id = nginx.process.id();
        wait_until("nginx listens", Duration::from_secs(20), || async {
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(alive(id), "nginx ended:\n{}", said());
            TcpStream::connect(address).await.is_ok()
        })
        .await;
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> PathBuf {
    let printed = output_of(&mut Command::new(root().join("scripts/nginx.sh")))
        .unwrap_or_else(|error| panic!("{error:#}"));
    String::from_utf8_lossy(&printed).trim().into()
}

fn create(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
