//! x
#[tokio::main]
async fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
    match expunged::demo::run(std::env::args().any(|a| a == "--keep")).await { Ok(true) => 0.into(), Ok(false) => 1.into(), Err(e) => { eprintln!("{e:?}"); 2.into() } }
}
