// SPDX-License-Identifier: Apache-2.0
// `lyceum ctl` against a tree.
#include "control_fixture.hpp"
#include "ops/commands/ctl_words.hpp"

namespace {

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

TEST_F(control_test, ctl_says_what_the_heart_knows_of_a_server_that_is_away) {
  fs::create_directories(folder / "run");
  const auto note = folder / "run" / "heart.json";
  std::ofstream(note) << R"({"state": "waiting", "heart_pid": )" << ::getpid()
                      << R"(, "next_start_in_ms": 3500, "last_death": "killed by signal 11"})";
  auto s = ctl({"tree"});
  EXPECT_EQ(s.status, 3);
  EXPECT_NE(s.err.find("is waiting, next start in 4 s; the last server: killed by signal 11"), std::string::npos)
      << s.err;
  std::ofstream(note) << R"({"state": "stopped", "heart_pid": 2147483600})";
  EXPECT_NE(ctl({"tree"}).err.find("lyceum serve"), std::string::npos) << "a heart that is gone knows nothing";
  std::ofstream(note) << std::string(1'000'000, '[');
  EXPECT_EQ(ctl({"tree"}).status, 3);
}

TEST_F(control_test, the_file_of_an_upgrade_is_named_whole_since_the_server_stands_elsewhere) {
  const auto read = lyceum::ops::read_ctl({"upgrade", "new/lyceum"}, path);
  const auto* q = std::get_if<lyceum::ops::ctl_question>(&read);
  ASSERT_NE(q, nullptr);
  EXPECT_EQ(q->args.at(0), (fs::current_path() / "new/lyceum").string());
}

TEST_F(control_test, ctl_says_that_no_server_runs) {
  const auto s = ctl({"tree"});
  EXPECT_EQ(s.status, 3);
  EXPECT_EQ(std::ranges::count(s.err, '\n'), 1);
  EXPECT_NE(s.err.find("lyceum serve"), std::string::npos);
}

} // namespace
