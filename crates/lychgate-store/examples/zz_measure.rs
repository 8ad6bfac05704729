struct Instant(f64);
impl Instant { fn now()->Self{Self(cpu())} fn elapsed(&self)->D{D(cpu()-self.0)} }
struct D(f64); impl D { fn as_micros(&self)->f64{self.0*1e6} }
fn cpu()->f64{ let s=std::fs::read_to_string("/proc/self/stat").unwrap(); let f:Vec<&str>=s.rsplit(')').next().unwrap().split_whitespace().collect(); (f[11].parse::<f64>().unwrap()+f[12].parse::<f64>().unwrap())/100.0 }

use lychgate_store::*;
#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let store = Store::open(OpenOptions::new(url.parse().unwrap())).await.unwrap();
    println!("{:?}", store.describe());
    let now = time::OffsetDateTime::now_utc();
    if store.role_by_name("editor").await.unwrap().is_none() { store.create_role("editor", None, Some(&["a".into(),"b".into()]), now).await.unwrap(); }
    let have = store.count_users().await.unwrap();
    let t = Instant::now();
    let n: i64 = 20_000;
    let mut set = vec![];
    for task in 0..64i64 {
        let store = store.clone();
        set.push(tokio::spawn(async move {
            let mut k = have + task;
            while k < n { 
                let mut u = NewUser::new(format!("user{k}@lp.com"), format!("uniq{k}")); u.roles = vec!["editor".into()];
                u.password=Some("x".repeat(100));
                let mut b = store.batch(); let _ = b.create_user(&u, now).open_session_of(&format!("uniq{k}"), &NewSession{sid: format!("s{k}"), user_id:0, created_at: now, expires_at: now+time::Duration::days(1), address:None,user_agent:None,via:"p".into(),remembered:false});
                store.commit(b).await.unwrap(); k += 64; }
        }));
    }
    for s in set { s.await.unwrap(); }
    if n > have { println!("create user+role+session x64: {:.1} us each", t.elapsed().as_micros() as f64 / (n-have) as f64); }
    let m = 50_000;
    let t = Instant::now();
    for _ in 0..m { store.session("s77").await.unwrap().unwrap(); store.user_by_uniquifier("uniq77").await.unwrap().unwrap(); }
    println!("kept session+user: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let m = 20_000;
    let t = Instant::now();
    for i in 0..m { assert!(store.user_by_uniquifier(&format!("nser{}@lp.com", i % n)).await.unwrap().is_none()); }
    println!("uniquifier miss: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let t = Instant::now();
    for i in 0..m { store.user_by_id(1 + i % n).await.unwrap().unwrap(); }
    println!("user_by_id: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let t = Instant::now();
    for i in 0..m { store.user_by_identity("email", &format!("USER{}@lp.com", i % n), true).await.unwrap().unwrap(); }
    println!("identity, other case: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let t = Instant::now();
    for i in 0..m { store.user_by_identity("email", &format!("user{}@lp.com", i % n), true).await.unwrap().unwrap(); }
    println!("identity, exact: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let t = Instant::now();
    for i in 0..m { assert!(store.user_by_identity("email", &format!("nser{}@lp.com", i % n), false).await.unwrap().is_none()); }
    println!("identity, exact miss: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let t = Instant::now();
    for i in 0..m { assert!(store.user_by_identity("email", &format!("nser{}@lp.com", i % n), true).await.unwrap().is_none()); }
    println!("identity, other case miss: {:.2} us", t.elapsed().as_micros() as f64 / m as f64);
    let t = Instant::now();
    for i in 0..500 { store.meta_set("k", &i.to_string()).await.unwrap(); }
    println!("one write alone: {:.2} us", t.elapsed().as_micros() as f64 / 500.0);
    let t = Instant::now();
    for _ in 0..20 { store.list_users(UserQuery{search:Some("user1".into()),..Default::default()}).await.unwrap(); }
    println!("search page: {:.2} us", t.elapsed().as_micros() as f64 / 20.0);
    let mut set = vec![]; let t = Instant::now();
    for _ in 0..8 { let store=store.clone(); set.push(tokio::spawn(async move { for _ in 0..20_000 { store.session("s77").await.unwrap().unwrap(); } })); }
    for s in set { s.await.unwrap(); }
    println!("kept session x8 tasks: {:.2} us", t.elapsed().as_micros() as f64 / 160_000.0);
    store.close().await;
}
