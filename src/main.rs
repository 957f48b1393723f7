//! The binary: command line in, exit code out.

fn main() -> std::process::ExitCode {
    expunged::cli::main()
}
