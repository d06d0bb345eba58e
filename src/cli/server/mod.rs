//! The instances that a command asks: one, or several that answer for the same zones.
//!
//! They are asked at the same time, and each answers or fails for itself. What commands make of several answers is in
//! `reading` and in `operator`.

mod credentials;
mod instance;

use std::ffi::OsString;
use std::thread;

use super::exit::BadInput;
use credentials::Credentials;
use instance::ADMIN;
pub use instance::Instance;

/// The variable of the environment that says which instances are asked without `--admin`.
const ADMINS: &str = "MERIDIAN_ADMIN";

/// The most instances that are asked: more than answer for one zone anywhere.
pub const MAX_INSTANCES: usize = 16;

/// The options of every command that asks running servers.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "The running server")]
pub struct ServerArgs {
    /// Ask the server at this admin address, and at each further one; without it, those in $MERIDIAN_ADMIN
    ///
    /// `127.0.0.1:8053` or `https://ns1.example.net:8053`; several are separated by commas, or named one by one.
    #[arg(long, value_name = "ADDRESS|URL", value_delimiter = ',')]
    admin: Vec<String>,

    #[command(flatten)]
    credentials: Credentials,
}

/// What an instance answered, or why it did not.
#[derive(Debug)]
pub struct InstanceReply<A> {
    /// The admin address of the instance, as it was given.
    pub address: String,
    pub answer: anyhow::Result<A>,
}

impl ServerArgs {
    /// Returns whether servers are named here, and not only in the environment.
    pub fn is_given(&self) -> bool {
        !self.admin.is_empty()
    }

    /// Returns whether servers are named here or in the environment.
    pub fn is_named(&self) -> bool {
        self.is_given() || !of_environment(std::env::var_os(ADMINS)).is_empty()
    }

    /// Returns the instances to ask: those that are named here, or in the environment, or the one of this machine.
    pub fn instances(&self) -> anyhow::Result<Vec<Instance>> {
        let named = match &self.admin[..] {
            [] => of_environment(std::env::var_os(ADMINS)),
            given => given.to_vec(),
        };
        self.of_addresses(named)
    }

    /// Returns the instances that are named here, or the one of this machine, whatever the environment says.
    pub fn given(&self) -> anyhow::Result<Vec<Instance>> {
        self.of_addresses(self.admin.clone())
    }

    /// Returns the instance to ask, for what only one can show.
    pub fn single(&self, what: &str) -> anyhow::Result<Instance> {
        let mut instances = self.instances()?;
        match (instances.pop(), instances.is_empty()) {
            (Some(instance), true) => Ok(instance),
            _ => Err(BadInput::new(format!("{what} is of one instance: name one with --admin")).into()),
        }
    }

    fn of_addresses(&self, mut addresses: Vec<String>) -> anyhow::Result<Vec<Instance>> {
        if addresses.is_empty() {
            addresses.push(ADMIN.to_owned());
        }
        if addresses.len() > MAX_INSTANCES {
            return Err(BadInput::new(format!("at most {MAX_INSTANCES} instances are asked")).into());
        }
        // A typing error would otherwise make two instances out of one, which agree.
        let mut known: Vec<(String, &String)> = Vec::new();
        for address in &addresses {
            let normal = instance::normal(address);
            if let Some((_, other)) = known.iter().find(|(known, _)| *known == normal) {
                let alias = if *other == address { String::new() } else { format!(", also as `{other}`") };
                return Err(
                    BadInput::new(format!("the admin address `{address}` is named twice{alias}")).into()
                );
            }
            known.push((normal, address));
        }
        let credentials = &self.credentials;
        Ok(addresses.into_iter().map(|address| Instance::new(address, credentials.clone())).collect())
    }
}

/// Returns the addresses that a variable of the environment lists.
fn of_environment(value: Option<OsString>) -> Vec<String> {
    let text = value.unwrap_or_default().to_string_lossy().into_owned();
    text.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

/// Asks all instances at the same time, and returns what each answered, in their order.
pub fn ask_all<A: Send>(
    instances: &[Instance],
    ask: impl Fn(&Instance) -> anyhow::Result<A> + Sync,
) -> Vec<InstanceReply<A>> {
    let ask = &ask;
    thread::scope(|scope| {
        let asked = instances.iter().map(|instance| (instance, scope.spawn(move || ask(instance))));
        let asked: Vec<_> = asked.collect();
        let reply = |(instance, thread): (&Instance, thread::ScopedJoinHandle<'_, _>)| InstanceReply {
            address: instance.address.clone(),
            answer: thread.join().expect("asking does not panic"),
        };
        asked.into_iter().map(reply).collect()
    })
}

/// Returns an instance that is not asked.
#[cfg(test)]
pub fn instance(address: &str) -> Instance {
    Instance::new(address.to_owned(), Credentials::default())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        server: ServerArgs,
    }

    fn given(words: &[&str]) -> Result<Vec<String>, String> {
        let line = Line::try_parse_from([&["x"], words].concat()).expect("it is well formed");
        let instances = line.server.given().map_err(|error| error.to_string())?;
        Ok(instances.into_iter().map(|instance| instance.address).collect())
    }

    #[test]
    fn instances_are_named_one_by_one_or_with_commas_and_none_twice() {
        assert_eq!(given(&[]), Ok(vec!["127.0.0.1:8053".to_owned()]));
        let both = Ok(vec!["a:1".to_owned(), "b:1".to_owned()]);
        assert_eq!(given(&["--admin", "a:1", "--admin", "b:1"]), both);
        assert_eq!(given(&["--admin", "a:1,b:1"]), both);
        assert_eq!(given(&["--admin", "a:1,a:1"]), Err("the admin address `a:1` is named twice".to_owned()));
    }

    #[test]
    fn an_instance_that_is_named_in_two_ways_is_not_two() {
        for (one, other) in [
            ("127.0.0.1:8053", "http://127.0.0.1:8053/"),
            ("ns1.example.net", "NS1.example.net:80"),
            ("https://ns1.example.net/meridian", "https://ns1.example.net:443/meridian/"),
        ] {
            let refused = given(&["--admin", one, "--admin", other]).expect_err("they are one");
            assert_eq!(refused, format!("the admin address `{other}` is named twice, also as `{one}`"));
        }
        assert!(given(&["--admin", "http://a:1,https://a:1"]).is_ok());
    }

    #[test]
    fn the_environment_lists_instances_with_commas() {
        assert_eq!(of_environment(Some("a:1, b:1,".into())), ["a:1", "b:1"]);
        assert_eq!(of_environment(Some("".into())), [""; 0]);
        assert_eq!(of_environment(None), [""; 0]);
    }
}
