//! Memory that holds secrets stays in this process.

/// Neither a crash nor another process of the same user takes the memory out: no core dump, no debugger, and `/proc` shows
/// memory and environment to root alone.
pub(crate) fn keep_to_itself() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        let kept = set_dumpable_behavior(DumpableBehavior::NotDumpable).and_then(|()| setrlimit(Resource::Core, none));
        if let Err(error) = kept {
            // Before the log begins, and no reason not to serve.
            crate::output::complain(format_args!("Warning: core dumps cannot be switched off: {error}"));
        }
    }
}
