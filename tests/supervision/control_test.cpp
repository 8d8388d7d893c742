// SPDX-License-Identifier: Apache-2.0
// The control socket from both ends: raw lines, and `ctl` itself.
#include "ops/commands/ctl.hpp"
#include "supervision/control.hpp"
#include "tree_fixture.hpp"

#include <boost/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/// One raw connection.
class client {
public:
  explicit client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
    timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() { ::close(fd_); }
  void send(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto n = ::send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (n <= 0)
        return;
      at += static_cast<std::size_t>(n);
    }
  }
  /// The next line; empty at the end of the connection.
  std::string line() {
    for (;;) {
      const auto end = got_.find('\n');
      if (end != std::string::npos) {
        auto one = got_.substr(0, end);
        got_.erase(0, end + 1);
        return one;
      }
      char bytes[4096];
      const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n <= 0)
        return {};
      got_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  json::object ask(const std::string& text) {
    send(text + "\n");
    return json::parse(line()).as_object();
  }
  bool connected = false;

private:
  int fd_;
  std::string got_;
};

class control_test : public tree_test {
protected:
  control_test() {
    folder = fs::temp_directory_path() / ("lyceum-control-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    path = (folder / "c.sock").string();
  }
  ~control_test() override {
    let_go = true;
    if (tree)
      tree->stop(5s);
    server.reset();
    fs::remove_all(folder);
  }
  void serve(control_options options = {}) {
    options.socket = path;
    options.audit = folder / "log" / "audit.jsonl";
    server = std::make_unique<control>(*tree, options);
    server->on("cache", [](const control_request& r, control_reply reply) {
      if (r.args.front() == "stats")
        return reply({R"({"hits":5,"misses":1})", {}, {}});
      if (r.args.front() == "slow")
        return; // never answers
      reply({"null", "usage", "cache stats|slow"});
    });
    const auto up = server->open();
    ASSERT_TRUE(up.ok) << up.detail;
    std::vector<child> nodes = {
        supervisor({.id = "cache"}, {.intensity = 5, .period = 30s}, {obeying("page_cache")}), obeying("web"),
        supervisor({.id = "control"}, {.intensity = 5, .period = 30s}, {control_socket(*server)}),
        dynamic_supervisor({.id = "sessions"}, {.max_children = 10},
                           [this](birth& at) { return at.pooled(obedient, &log); })};
    grow({.intensity = 5, .period = 30s, .spent = when_spent::degrade}, std::move(nodes));
  }
  struct said {
    int status;
    std::string out, err;
  };
  said ctl(std::vector<std::string> args) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    said s;
    s.status = lyceum::ops::run_ctl(std::move(args), path);
    s.out = testing::internal::GetCapturedStdout();
    s.err = testing::internal::GetCapturedStderr();
    return s;
  }
  std::string audited() {
    std::ifstream file(folder / "log" / "audit.jsonl");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder;
  std::string path;
  std::unique_ptr<control> server;
};

std::string code_of(const json::object& answer) {
  const auto* error = answer.if_contains("error");
  return error ? std::string(error->at("code").as_string()) : "ok";
}

TEST_F(control_test, the_tree_can_be_seen_with_ids_that_come_back) {
  serve();
  client c(path);
  const auto answer = c.ask(R"({"id":7,"cmd":"tree"})");
  EXPECT_EQ(answer.at("id").as_int64(), 7);
  EXPECT_EQ(answer.at("ok").as_array().size(), 7U);
  EXPECT_EQ(answer.at("ok").at(2).at("path").as_string(), "cache/page_cache");
  EXPECT_EQ(c.ask(R"({"id":"x","cmd":"show","args":["site/web"]})").at("ok").at("state").as_string(), "running");
  EXPECT_EQ(c.ask(R"({"cmd":"count"})").at("ok").at("specs").as_int64(), 7);
  EXPECT_EQ(c.ask(R"({"cmd":"health"})").at("ok").at("state").as_string(), "ok");
}

TEST_F(control_test, a_kill_answers_with_the_new_generation_and_is_audited) {
  serve();
  client c(path);
  const auto killed = c.ask(R"({"id":1,"cmd":"kill","path":"cache/page_cache"})");
  EXPECT_EQ(killed.at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"kill","args":["nobody"]})")), "not_found");
  c.ask(R"({"cmd":"tree"})");
  const auto lines = audited();
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2) << "changes only, refused ones too: " << lines;
  EXPECT_NE(lines.find("\"command\":\"kill\",\"args\":[\"cache/page_cache\"],\"result\":\"ok\""), std::string::npos);
  EXPECT_NE(lines.find("\"uid\":" + std::to_string(::getuid())), std::string::npos);
}

TEST_F(control_test, killing_the_control_actor_closes_neither_the_socket_nor_the_connection) {
  serve();
  client c(path);
  EXPECT_EQ(c.ask(R"({"cmd":"kill","path":"control/socket"})").at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(c.ask(R"({"cmd":"kill","path":"control"})").at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"wait","path":"control"})")), "ok");
  client later(path);
  EXPECT_EQ(code_of(later.ask(R"({"cmd":"health"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"stop","path":"control"})")), "refused") << "it would lock the operator out";
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"suspend","path":"site/control/socket"})")), "refused");
}

TEST_F(control_test, garbage_is_refused_by_name_and_the_connection_goes_on) {
  serve();
  client c(path);
  for (const auto* bad : {"nonsense", "[]", "{}", "{\"cmd\":5}", "{\"cmd\":\"tree\",\"args\":[1]}", "\xff\xfe",
                          "{\"cmd\":\"wait\",\"timeout_ms\":-1}", "[[[[[[[[[[[[[[[[[[[[[[[["})
    EXPECT_EQ(code_of(c.ask(bad)), "bad_request") << bad;
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"frobnicate"})")), "unknown_command");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"show"})")), "usage");
  c.send("\n\r\n");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"health"})")), "ok");
}

TEST_F(control_test, a_line_beyond_the_limit_ends_the_connection_with_a_word) {
  serve();
  client c(path);
  c.send(std::string(70'000, 'x'));
  EXPECT_EQ(code_of(json::parse(c.line()).as_object()), "too_large");
  EXPECT_EQ(c.line(), "");
  client whole(path);
  whole.send("{\"cmd\":\"" + std::string(70'000, 'x') + "\"}\n");
  EXPECT_EQ(code_of(json::parse(whole.line()).as_object()), "too_large");
}

TEST_F(control_test, many_lines_at_once_are_all_answered) {
  serve();
  client c(path);
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += "{\"id\":" + std::to_string(i) + ",\"cmd\":\"count\"}\n";
  c.send(all);
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(json::parse(c.line()).at("id").as_int64(), i);
}

TEST_F(control_test, no_more_connections_than_eight) {
  serve();
  std::vector<std::unique_ptr<client>> some;
  for (int i = 0; i < 8; ++i) {
    some.push_back(std::make_unique<client>(path));
    EXPECT_EQ(code_of(some.back()->ask(R"({"cmd":"count"})")), "ok");
  }
  client ninth(path);
  EXPECT_EQ(code_of(json::parse(ninth.line()).as_object()), "busy");
  some.pop_back();
  EXPECT_TRUE(eventually([&] {
    client again(path);
    again.send("{\"cmd\":\"count\"}\n");
    const auto line = again.line();
    return !line.empty() && code_of(json::parse(line).as_object()) == "ok";
  }));
}

TEST_F(control_test, a_call_without_an_answer_ends_after_its_limit) {
  serve({.call_max = 100ms});
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"cache","args":["slow"]})")), "timeout");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"cache","args":["stats"]})")), "ok");
}

TEST_F(control_test, the_tree_can_be_seen_while_every_pooled_thread_is_stuck) {
  serve();
  const auto threads = std::max(2U, std::thread::hardware_concurrency());
  std::atomic<unsigned> stuck = 0;
  const auto block = [&](caf::event_based_actor*) {
    ++stuck;
    while (!let_go)
      std::this_thread::sleep_for(1ms);
  };
  for (unsigned i = 0; i < threads; ++i) {
    std::promise<outcome> added;
    tree->add_child("site", obeying("busy" + std::to_string(i)), [&](outcome o) { added.set_value(std::move(o)); });
    ASSERT_TRUE(added.get_future().get().ok);
    tell_to("busy" + std::to_string(i), block);
  }
  ASSERT_TRUE(eventually([&] { return stuck == threads; }));
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"tree"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"health"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"crashes"})")), "ok");
}

TEST_F(control_test, the_socket_is_the_owners_alone_and_a_dead_ones_is_replaced) {
  serve();
  struct stat s {};
  ASSERT_EQ(::stat(path.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0600U);
  control second(*tree, {.socket = path});
  EXPECT_FALSE(second.open().ok) << "somebody answers there";
  const auto stale = (folder / "stale.sock").string();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::memcpy(a.sun_path, stale.c_str(), stale.size() + 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  ::close(fd);
  control third(*tree, {.socket = stale});
  EXPECT_TRUE(third.open().ok);
  std::ofstream(folder / "file") << "x";
  control fourth(*tree, {.socket = folder / "file"});
  EXPECT_FALSE(fourth.open().ok) << "a file is never removed";
  EXPECT_TRUE(fs::exists(folder / "file"));
}

TEST_F(control_test, another_user_is_refused) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can become another user";
  serve();
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0); // as if the mode did not protect it
  fs::permissions(folder, fs::perms::all);
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  const auto pid = ::fork();
  if (pid == 0) { // only async-signal-safe calls: the parent has threads
    char got[256] = {};
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ssize_t n = -1;
    if (::setresuid(65534, 65534, 65534) == 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0)
      n = ::recv(fd, got, sizeof got, 0);
    [[maybe_unused]] const auto w = ::write(pipes[1], got, n > 0 ? static_cast<std::size_t>(n) : 1U);
    ::_exit(0);
  }
  char got[256] = {};
  const auto n = ::read(pipes[0], got, sizeof got - 1);
  EXPECT_GT(n, 0);
  EXPECT_NE(std::string(got).find("\"forbidden\""), std::string::npos) << got;
  ::close(pipes[0]);
  ::close(pipes[1]);
}

TEST_F(control_test, a_path_too_long_is_refused_with_advice) {
  control c(*tree, {.socket = "/tmp/" + std::string(110, 'x')});
  const auto up = c.open();
  EXPECT_FALSE(up.ok);
  EXPECT_NE(up.detail.find("--control"), std::string::npos);
  const auto s = ctl({"--control", "/tmp/" + std::string(110, 'x'), "tree"});
  EXPECT_EQ(s.status, 1);
  EXPECT_NE(s.err.find("--control"), std::string::npos);
}

// --- ctl ------------------------------------------------------------------------------------------------------------

TEST_F(control_test, ctl_prints_a_table_of_the_tree) {
  serve();
  const auto s = ctl({"tree"});
  EXPECT_EQ(s.status, 0);
  EXPECT_EQ(s.err, "");
  EXPECT_EQ(s.out.substr(0, s.out.find('\n')), "CHILD           STATE    GEN  RESTARTS  MAILBOX  UPTIME  NOTE");
  EXPECT_NE(s.out.find("\n    page_cache  running    1       0/5        0  "), std::string::npos) << s.out;
  EXPECT_EQ(s.out.find('\033'), std::string::npos) << "no colours where nobody looks";
  ctl({"stop", "web"});
  EXPECT_NE(ctl({"tree"}).out.find("starts again with the next process"), std::string::npos);
}

TEST_F(control_test, ctl_takes_its_options_before_and_after_the_command) {
  serve();
  EXPECT_EQ(ctl({"--json", "count"}).out, ctl({"count", "--json"}).out);
  EXPECT_EQ(ctl({"count", "--control", path}).status, 0);
  EXPECT_EQ(ctl({"count", "--control=" + path}).status, 0);
  EXPECT_EQ(json::parse(ctl({"kill", "site/cache/page_cache", "--json"}).out).at("generation").as_int64(), 2);
  EXPECT_EQ(ctl({"kill", "--as-crash", "cache/page_cache"}).out, "cache/page_cache: running, generation 3\n");
  EXPECT_EQ(node("cache/page_cache").restarts, 1);
}

TEST_F(control_test, ctl_commands_do_what_they_say) {
  serve();
  EXPECT_EQ(ctl({"stop", "web"}).out, "web: stopped, generation 1\n");
  EXPECT_EQ(ctl({"start", "web"}).out, "web: running, generation 2\n");
  EXPECT_EQ(ctl({"restart", "web"}).out, "web: running, generation 3\n");
  EXPECT_EQ(ctl({"suspend", "web"}).out, "web: suspended, generation 3\n");
  EXPECT_EQ(ctl({"resume", "web"}).out, "web: running, generation 3\n");
  EXPECT_EQ(ctl({"wait", "web", "--timeout", "2s"}).out, "web: running, generation 3\n");
  EXPECT_NE(ctl({"inspect", "web"}).out.find("I am web3"), std::string::npos);
  EXPECT_NE(ctl({"show", "cache"}).out.find("cache/page_cache"), std::string::npos);
  EXPECT_EQ(ctl({"health"}).out.substr(0, 3), "ok ");
  EXPECT_EQ(ctl({"status", "--json"}).status, 0);
  EXPECT_NE(ctl({"cache", "stats"}).out.find("hits    5"), std::string::npos);
  EXPECT_EQ(ctl({"crashes"}).out, "no crashes\n");
  crash("web", "a broken invariant");
  ASSERT_TRUE(reaches("web", 4));
  EXPECT_NE(ctl({"crashes", "5"}).out.find("a broken invariant"), std::string::npos);
}

TEST_F(control_test, ctl_says_what_went_wrong_with_its_status) {
  serve();
  auto s = ctl({"kill", "nobody"});
  EXPECT_EQ(s.status, 1);
  EXPECT_EQ(s.err, "lyceum ctl: no such child: nobody\n");
  s = ctl({"tre"});
  EXPECT_EQ(s.status, 2);
  EXPECT_NE(s.err.find("did you mean `tree`?"), std::string::npos);
  EXPECT_EQ(ctl({}).status, 2);
  EXPECT_EQ(ctl({"kill"}).status, 2);
  EXPECT_EQ(ctl({"tree", "--frob"}).status, 2);
  EXPECT_EQ(ctl({"cache", "nonsense"}).status, 2);
  EXPECT_EQ(ctl({"wait", "--timeout", "soon"}).status, 2);
  EXPECT_EQ(ctl({"--help"}).status, 0);
  EXPECT_EQ(ctl({"wait", "nobody"}).status, 1);
  tree->operate(operation::stop, "web");
  EXPECT_EQ(ctl({"wait", "web", "--timeout", "50ms"}).status, 1);
}

TEST_F(control_test, ctl_says_that_no_server_runs) {
  const auto s = ctl({"tree"});
  EXPECT_EQ(s.status, 3);
  EXPECT_EQ(std::ranges::count(s.err, '\n'), 1);
  EXPECT_NE(s.err.find("lyceum serve"), std::string::npos);
}

} // namespace
