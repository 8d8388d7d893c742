// SPDX-License-Identifier: Apache-2.0
// Who may do what over the control socket, and what is written down about it.
#include "control_fixture.hpp"
#include "supervision/control_audit.hpp"

#include <grp.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

using role = control_caller::role;

constexpr unsigned nobody_id = 65534;

class control_access_test : public control_test {
protected:
  /// What a process of another user is answered. Only async-signal-safe calls in the child: this process has threads.
  std::string as_nobody(const std::string& lines, std::vector<gid_t> groups = {}) {
    fs::permissions(folder, fs::perms::all);
    int pipes[2];
    EXPECT_EQ(::pipe(pipes), 0);
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    const auto pid = ::fork();
    if (pid == 0) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      const bool other = ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0 &&
                         ::syscall(SYS_setresgid, nobody_id, nobody_id, nobody_id) == 0 &&
                         ::syscall(SYS_setresuid, nobody_id, nobody_id, nobody_id) == 0;
      if (!other || ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0)
        ::_exit(7);
      [[maybe_unused]] auto n = ::send(fd, lines.data(), lines.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_WR);
      char bytes[4096];
      while ((n = ::recv(fd, bytes, sizeof bytes, 0)) > 0)
        [[maybe_unused]] const auto w = ::write(pipes[1], bytes, static_cast<std::size_t>(n));
      ::_exit(0);
    }
    ::close(pipes[1]);
    std::string got;
    char bytes[4096];
    for (auto n = ::read(pipes[0], bytes, sizeof bytes); n > 0; n = ::read(pipes[0], bytes, sizeof bytes))
      got.append(bytes, static_cast<std::size_t>(n));
    ::close(pipes[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? got : "could not connect";
  }
  std::function<void()> at_end; ///< of a witness
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++n;
    return n;
  }
};

TEST_F(control_access_test, another_user_may_look_and_nothing_else) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can become another user: NOT TESTED HERE";
  serve();
  EXPECT_EQ(as_nobody("{\"cmd\":\"tree\"}\n"), "could not connect") << "mode 0600 keeps others out at all";
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0); // as if somebody had opened it
  const auto got =
      as_nobody("{\"id\":1,\"cmd\":\"tree\"}\n{\"id\":2,\"cmd\":\"cache\",\"args\":[\"stats\"]}\n"
                "{\"id\":3,\"cmd\":\"kill\",\"path\":\"web\"}\n{\"id\":4,\"cmd\":\"degrade\",\"path\":\"web\"}\n"
                "{\"id\":5,\"cmd\":\"cache\",\"args\":[\"evict\",\"/\"]}\n"
                "{\"id\":6,\"cmd\":\"chaos\",\"args\":[\"web\"]}\n");
  EXPECT_TRUE(has(got, "{\"id\":1,\"ok\":")) << got;
  EXPECT_TRUE(has(got, "{\"id\":2,\"ok\":")) << got;
  EXPECT_EQ(count(got, "\"code\":\"forbidden\""), 4U) << got;
  EXPECT_TRUE(has(got, "kill needs the role operator, and nobody is a viewer")) << got;
  EXPECT_TRUE(has(got, "degrade needs the role admin")) << got;
  EXPECT_EQ(node("web").generation, 1U);
  const auto lines = audited();
  EXPECT_EQ(count(lines, "\"result\":\"forbidden\""), 4U) << "what was refused is written down too: " << lines;
  EXPECT_TRUE(has(lines, "\"uid\":65534,")) << lines;
  EXPECT_TRUE(has(lines, "\"user\":\"nobody\",\"role\":\"viewer\",\"command\":\"kill\",\"args\":[\"web\"]")) << lines;
  EXPECT_GE(said_in_log("was refused"), 1U);
}

TEST_F(control_access_test, members_of_the_operators_group_may_operate) {
  const auto* users = ::getgrnam("users");
  if (::geteuid() != 0 || !users)
    GTEST_SKIP() << "only root can become another user: NOT TESTED HERE";
  const auto group = users->gr_gid;
  serve({.group = "users"});
  struct stat s {};
  ASSERT_EQ(::stat(path.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0660U);
  EXPECT_EQ(s.st_gid, group);
  const auto got = as_nobody("{\"id\":1,\"cmd\":\"restart\",\"path\":\"web\"}\n"
                             "{\"id\":2,\"cmd\":\"degrade\",\"path\":\"web\"}\n{\"id\":3,\"cmd\":\"drain\"}\n",
                             {group});
  EXPECT_TRUE(has(got, "{\"id\":1,\"ok\":")) << got;
  EXPECT_TRUE(has(got, "degrade needs the role admin, and nobody is an operator")) << got;
  EXPECT_TRUE(has(got, "{\"id\":3,\"error\":{\"code\":\"unknown_command\"")) << got;
  EXPECT_EQ(node("web").generation, 2U);
  EXPECT_TRUE(has(audited(), "\"role\":\"operator\",\"command\":\"restart\",\"args\":[\"web\"],\"result\":\"ok\""));
  EXPECT_EQ(as_nobody("{\"cmd\":\"tree\"}\n"), "could not connect") << "who is no member stays out";
}

TEST_F(control_access_test, a_group_that_there_is_not_is_named) {
  control c(*tree, {.socket = path, .group = "no-such-group"});
  const auto up = c.open();
  EXPECT_FALSE(up.ok);
  EXPECT_TRUE(has(up.detail, "no group no-such-group")) << up.detail;
  EXPECT_FALSE(fs::exists(path));
}

TEST(control_rule_test, what_changes_needs_an_admin_but_for_what_operators_have) {
  for (const auto* name : {"restart", "start", "stop", "suspend", "resume", "kill", "chaos", "cache"})
    EXPECT_EQ(rule_of(name, true).needs, role::operator_) << name;
  for (const auto* name :
       {"drain", "reload", "upgrade", "degrade", "undegrade", "reset", "quarantine", "console", "new"})
    EXPECT_EQ(rule_of(name, true).needs, role::admin) << name;
  EXPECT_EQ(rule_of("tree", false).needs, role::viewer);
  EXPECT_EQ(rule_of("console", false).needs, role::admin) << "its link opens a door, though nothing changes";
  EXPECT_EQ(rule_for(rule_of("quarantine", true), {"list"}).needs, role::viewer);
  EXPECT_EQ(rule_for(rule_of("quarantine", true), {"drop", "1"}).needs, role::admin);
}

// --- the guard of generations ---------------------------------------------------------------------------------------

TEST_F(control_access_test, a_command_for_a_life_that_is_over_is_refused) {
  serve();
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"restart","path":"web","if_gen":1})")), "ok");
  const auto late = c.ask(R"({"cmd":"restart","path":"web","if_gen":1})");
  EXPECT_EQ(code_of(late), "generation");
  EXPECT_TRUE(has(json::serialize(late), "is at generation 2, not 1")) << json::serialize(late);
  EXPECT_EQ(node("web").generation, 2U);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"kill","path":"nobody","if_gen":1})")), "not_found");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"tree","if_gen":1})")), "usage") << "it would guard nothing";
  EXPECT_TRUE(has(audited(), "\"args\":[\"web\",\"--if-gen=1\"],\"result\":\"generation\""));
  std::promise<outcome> exact; // the supervisor compares too: a life may end between the look and the deed
  tree->operate(
      operation::kill, "web", [&](outcome got) { exact.set_value(std::move(got)); }, 1);
  EXPECT_EQ(exact.get_future().get().code, "generation");
  EXPECT_EQ(node("web").generation, 2U);
  EXPECT_EQ(ctl({"kill", "web", "--if-gen", "1"}).status, 1);
  EXPECT_EQ(ctl({"kill", "web", "--if-gen", "2"}).out, "web: running, generation 3\n");
  EXPECT_EQ(ctl({"kill", "web", "--if-gen=soon"}).status, 2);
}

// --- control itself -------------------------------------------------------------------------------------------------

TEST_F(control_access_test, a_kill_of_control_is_audited_and_answered_before_it_acts) {
  std::string seen;
  std::unique_ptr<client> asker;
  std::atomic<bool> ended = false;
  std::vector<child> below;
  control_options options;
  options.socket = path;
  options.audit = folder / "log" / "audit.jsonl";
  server = std::make_unique<control>(*tree, options);
  ASSERT_TRUE(server->open().ok);
  below.push_back(control_socket(*server));
  below.push_back(worker({.id = "witness"}, [&](birth& at) {
    return at.detached(
        +[](caf::event_based_actor* self, std::function<void()>* end) -> caf::behavior {
          life_of(self).on_stop([end] { (*end)(); });
          return {[](caf::unit_t) {}};
        },
        &at_end);
  }));
  at_end = [&] {
    if (ended.exchange(true))
      return;
    seen = audited();
    if (!asker->readable(0ms))
      seen += " but nothing was answered";
  };
  grow({.intensity = 5, .period = 30s},
       {supervisor({.id = "control"}, {.intensity = 5, .period = 30s}, std::move(below))});
  asker = std::make_unique<client>(path);
  ASSERT_EQ(code_of(asker->ask(R"({"cmd":"count"})")), "ok");
  asker->send("{\"id\":1,\"cmd\":\"kill\",\"path\":\"control\"}\n");
  ASSERT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_TRUE(has(seen, "\"command\":\"kill\",\"args\":[\"control\"],\"result\":\"ok\"")) << seen;
  EXPECT_FALSE(has(seen, "nothing was answered")) << seen;
  EXPECT_EQ(json::parse(asker->line()).at("ok").at("generation").as_int64(), 2);
  EXPECT_TRUE(reaches("control", 2));
  EXPECT_EQ(code_of(asker->ask(R"({"cmd":"count"})")), "ok");
  at_end = [] {};
}

TEST_F(control_access_test, a_change_whose_asker_has_gone_is_written_down_at_its_end) {
  serve();
  {
    client c(path);
    c.send("{\"cmd\":\"cache\",\"args\":[\"slow\"]}\n");
    ASSERT_TRUE(eventually([&] {
      std::lock_guard lock(logged_guard);
      return !held.empty();
    }));
  }
  EXPECT_EQ(audited(), "");
  held.front()({"null", {}, {}});
  EXPECT_TRUE(eventually([&] { return has(audited(), "\"args\":[\"slow\"],\"result\":\"ok\""); }));
}

// --- from within the process ----------------------------------------------------------------------------------------

class control_call_test : public control_access_test {
protected:
  control_answer call(control_request asked, role may = role::operator_) {
    std::promise<control_answer> promise;
    auto future = promise.get_future();
    server->call(std::move(asked), {may, "console", 42, 7},
                 [&](control_answer got) { promise.set_value(std::move(got)); });
    return future.get();
  }
};

TEST_F(control_call_test, the_console_uses_the_same_commands_and_the_same_audit) {
  serve();
  EXPECT_EQ(json::parse(call({"tree"}).json).as_array().size(), 7U);
  EXPECT_EQ(json::parse(call({"kill", {"web"}}).json).at("generation").as_int64(), 2);
  EXPECT_TRUE(has(audited(), "\"uid\":42,\"pid\":7,\"user\":\"console\",\"role\":\"operator\",\"command\":\"kill\""));
  EXPECT_EQ(call({"kill", {"web"}, 1}).code, "generation");
  EXPECT_EQ(call({"kill", {"web"}}, role::viewer).code, "forbidden");
  EXPECT_EQ(call({"degrade", {"web"}}).code, "forbidden");
  EXPECT_EQ(call({"degrade", {"web"}}, role::admin).code, "");
  EXPECT_EQ(call({"frobnicate"}).code, "unknown_command");
  EXPECT_EQ(call({"sub"}).code, "usage") << "a subscription needs a connection";
  EXPECT_EQ(call({"wait", {"cache"}}).code, "");
  EXPECT_EQ(json::parse(call({"chaos", {"cache", "--every", "100ms", "--for", "250ms"}}).json).at("failed").as_int64(),
            0);
  EXPECT_EQ(call({"kill", {"control"}}).code, "");
}

TEST_F(control_call_test, a_call_ends_by_its_deadline_and_their_number_is_bounded) {
  serve({.call_max = 3s});
  std::atomic<int> late = 0;
  std::atomic<int> busy = 0;
  for (int i = 0; i < 80; ++i)
    server->call({"cache", {"slow"}}, {role::admin, "console", 0, 0}, [&](const control_answer& got) {
      ++(got.code == "timeout" ? late : busy);
      EXPECT_TRUE(got.code == "timeout" || got.code == "busy") << got.code;
    });
  EXPECT_TRUE(eventually([&] { return late + busy == 80; }, 10s));
  EXPECT_EQ(late, 64);
  EXPECT_EQ(call({"count"}).code, "") << "there is room again";
}

TEST_F(control_call_test, without_an_open_socket_every_call_is_answered_all_the_same) {
  serve();
  std::promise<std::string> code;
  server->call({"cache", {"slow"}}, {role::admin, "console", 0, 0},
               [&](const control_answer& got) { code.set_value(got.code); });
  server->close();
  EXPECT_EQ(code.get_future().get(), "unavailable");
  EXPECT_EQ(call({"tree"}).code, "unavailable");
}

// --- the audit log --------------------------------------------------------------------------------------------------

TEST_F(control_access_test, the_last_actions_are_shown_newest_first) {
  serve();
  ctl({"kill", "web"});
  ctl({"kill", "nobody"});
  ctl({"suspend", "web"});
  const auto all = json::parse(ctl({"audit", "--json"}).out).as_array();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].at("command").as_string(), "suspend");
  EXPECT_EQ(all[1].at("result").as_string(), "not_found");
  EXPECT_EQ(all[2].at("args").at(0).as_string(), "web");
  EXPECT_EQ(json::parse(ctl({"audit", "1", "--json"}).out).as_array().size(), 1U);
  const auto table = ctl({"audit"}).out;
  EXPECT_TRUE(table.starts_with("AT (UTC)")) << table;
  EXPECT_TRUE(has(table, "suspend")) << table;
  EXPECT_EQ(ctl({"audit", "many"}).status, 2);
  EXPECT_EQ(ctl({"audit", "1001"}).status, 2);
}

TEST_F(control_access_test, the_audit_log_is_bounded_and_survives_its_process) {
  const auto file = folder / "deep" / "audit.jsonl";
  {
    audit_log writer(file, 4096);
    for (int i = 0; i < 200; ++i)
      EXPECT_EQ(
          writer.add(
              {.who = {role::admin, "root", 0, 1}, .command = "kill", .args = {std::to_string(i)}, .result = "ok"}),
          "");
  }
  EXPECT_LE(fs::file_size(file), 4096U);
  EXPECT_LE(fs::file_size(file.string() + ".1"), 4096U);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  std::ofstream(file, std::ios::app) << "{\"at\":\"torn by a full di"; // no end of line
  audit_log next(file, 4096);
  EXPECT_EQ(next.add({.command = "stop", .result = "ok"}), "");
  const auto last = next.recent(3);
  ASSERT_EQ(last.size(), 3U);
  EXPECT_TRUE(has(last[0], "\"stop\""));
  EXPECT_TRUE(has(last[1], "\"199\"")) << last[1];
  const auto again = audit_log(file, 4096).recent(1);
  EXPECT_TRUE(has(again.at(0), "\"stop\"")) << "the torn line did not swallow its successor";
}

TEST_F(control_access_test, a_disk_that_cannot_be_written_is_told_and_stops_nobody) {
  audit_log writer("/dev/null/audit.jsonl");
  EXPECT_NE(writer.add({.command = "kill", .result = "ok"}), "");
  EXPECT_EQ(writer.recent(5).size(), 1U) << "memory still knows";
}

TEST(audit_entry_test, a_line_is_bounded_whatever_was_asked) {
  audit_entry e;
  e.command = std::string(70'000, '"');
  e.args.assign(64, std::string(60'000, '\x01'));
  const auto line = to_json(e);
  EXPECT_LT(line.size(), 40'000U);
  EXPECT_TRUE(json::parse(line).is_object());
}

// --- the blast radius -----------------------------------------------------------------------------------------------

TEST_F(control_access_test, the_impact_of_a_restart_is_said_before_it_is_done) {
  auto importer = obeying("importer");
  importer.at_stake = [] { return std::string("one course is rolled back and imported again"); };
  auto content = supervisor({.id = "content"}, {.strategy = strategy::rest_for_one, .intensity = 5, .period = 30s},
                            {std::move(importer), obeying("watcher"), obeying("search")});
  content.note = "what authors save is live later";
  more.push_back(std::move(content));
  serve();
  client c(path);
  auto quiet = c.ask(R"({"cmd":"impact","path":"cache"})").at("ok").as_object();
  EXPECT_EQ(quiet.at("says").as_string(), "cache: nothing waits, none lost");
  auto got = c.ask(R"({"cmd":"impact","path":"content/watcher"})").at("ok").as_object();
  EXPECT_EQ(json::serialize(got.at("restarts_with")), R"(["content/search"])") << "rest_for_one: those after it";
  got = c.ask(R"({"cmd":"impact","args":["content/watcher","stop"]})").at("ok").as_object();
  EXPECT_EQ(json::serialize(got.at("restarts_with")), "[]") << "a stop leaves its siblings alone";
  got = c.ask(R"({"cmd":"impact","path":"site/content"})").at("ok").as_object();
  EXPECT_EQ(
      got.at("says").as_string(),
      "content: nothing waits, none lost (importer: one course is rolled back and imported again); meanwhile: what "
      "authors save is live later");
  EXPECT_EQ(got.at("touches").as_int64(), 4);

  hang("cache/page_cache");
  for (int i = 0; i < 13; ++i)
    tell_to("cache/page_cache", [](caf::event_based_actor*) {});
  ASSERT_TRUE(
      eventually([&] { return node("cache/page_cache").mailbox == 14 && node("cache/page_cache").busy > 0ms; }));
  got = c.ask(R"({"cmd":"impact","path":"cache"})").at("ok").as_object();
  EXPECT_EQ(got.at("waiting").as_int64(), 13) << "the one at hand does not wait";
  EXPECT_EQ(got.at("kept").as_array().size(), 1U);
  EXPECT_EQ(got.at("lost").as_array().size(), 1U);
  let_go = true;
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"impact","path":"nobody"})")), "not_found");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"impact","args":["cache","explode"]})")), "usage");
}

TEST_F(control_access_test, children_of_a_dynamic_supervisor_are_counted_as_lost) {
  serve();
  ASSERT_TRUE(tree->dynamic("sessions").start({}));
  ASSERT_TRUE(tree->dynamic("sessions").start({}));
  ASSERT_TRUE(eventually([&] { return node("sessions").children == 2; }));
  client c(path);
  const auto got = c.ask(R"({"cmd":"impact","path":"sessions"})").at("ok").as_object();
  EXPECT_EQ(got.at("running").as_int64(), 2);
  EXPECT_EQ(got.at("says").as_string(),
            "sessions: 0 waiting, 2 running, lost: 2 children of dynamic supervisors, with what they are doing");
}

TEST_F(control_access_test, a_child_whose_own_words_fail_harms_nobody) {
  auto odd = obeying("odd");
  odd.at_stake = []() -> std::string { throw std::runtime_error("no words"); };
  more.push_back(std::move(odd));
  serve();
  client c(path);
  const auto got = c.ask(R"({"cmd":"impact","path":"odd"})").at("ok").as_object();
  EXPECT_TRUE(has(std::string(got.at("says").as_string()), "it cannot say what is at stake: no words"));
}

TEST_F(control_access_test, ctl_says_the_impact_of_a_subsystem_and_goes_on_where_nobody_sits) {
  serve();
  auto s = ctl({"restart", "cache"});
  EXPECT_EQ(s.status, 0);
  EXPECT_EQ(s.out, "cache: running, generation 2\n");
  EXPECT_EQ(s.err, "cache: nothing waits, none lost\n");
  s = ctl({"kill", "cache", "--json"});
  EXPECT_EQ(json::parse(s.out).at("impact").at("path").as_string(), "cache");
  EXPECT_EQ(ctl({"restart", "web"}).err, "") << "a worker is not a subsystem";
  s = ctl({"impact", "cache"});
  EXPECT_EQ(s.out, "cache: nothing waits, none lost\n");
}

} // namespace
