// What to change: the port of the API on this machine, its address everywhere else, and whether it is asked with a
// session or with JSON Web Tokens in cookies ("jwt").
export default { port: 8085, deployed: "https://api.example.com", by: "session" };
