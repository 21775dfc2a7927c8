//! Redis.

use interdict_tests::place;
use interdict_tests::program::{Program, as_user, command, run, wrote};

#[test]
fn redis_over_unix_and_tcp() {
    let mut case = super::unconcerned();
    let folder = place::fresh("redis");
    let socket = "/run/services/redis";
    let arguments = [
        ["--port", "6380"],
        ["--unixsocket", socket],
        ["--unixsocketperm", "777"],
        ["--save", ""],
        ["--dir", folder.to_str().unwrap()],
    ];
    let mut server = as_user("redis-server", arguments.as_flattened());
    server.args(["--bind", "127.0.0.1", "::1"]);
    let _server = Program::start(&mut server).told("eady to accept connections");
    let unix = ["-s", socket];
    let v4 = ["-h", "127.0.0.1", "-p", "6380"];
    let v6 = ["-h", "::1", "-p", "6380"];
    for (index, place) in [&unix[..], &v4, &v6].into_iter().enumerate() {
        let count = (index + 1).to_string();
        let arguments = [place, &["INCR", "n"]].concat();
        wrote(&run(&mut command("redis-cli", &arguments)), &count);
        let arguments = [place, &["GET", "n"]].concat();
        wrote(&run(&mut as_user("redis-cli", &arguments)), &count);
    }
    super::refused_tcp(&mut case, 6380);
    super::refused_unix(&mut case, socket);
}
