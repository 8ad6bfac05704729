// The two things to change: the port of the API on this machine, and its address everywhere else.
export default { port: 8085, deployed: "https://api.example.com" };
