//! Nothing but password checks, to be subtracted from sign-ins: `hash HASH PASSWORD COUNT`.

use benches::plain;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [hash, password, count] = given.as_slice() else { return Err("hash HASH PASSWORD COUNT".into()) };
    for _ in 0..count.parse::<u32>()? {
        if !plain::verify(password, hash) {
            return Err("the password does not match".into());
        }
    }
    Ok(())
}
