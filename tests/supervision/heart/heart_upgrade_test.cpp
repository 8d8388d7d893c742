// SPDX-License-Identifier: Apache-2.0
// A new program takes the place of the old one while visitors come and go.
#include "tests/supervision/heart/fixture.hpp"

#include "supervision/heart/notify.hpp"

using namespace lyceum::heart;
using namespace lyceum::heart::testing_heart;
using testing::HasSubstr;
using testing::Not;

namespace {

struct heart_upgrade_test : heart_test {
  heart_upgrade_test() {
    fs::create_symlink(HEART_TEST_SERVER, folder / "newer");
    options.beside_environment = {"BESIDE=1"};
  }
  std::string newer() const { return (folder / "newer").string(); }

  void ask(const std::string& file) {
    fs::remove(folder / "outcome");
    EXPECT_EQ(get(port, "/upgrade" + file).status(), 200);
  }
  std::string outcome() {
    EXPECT_TRUE(eventually([&] { return fs::exists(folder / "outcome"); }));
    return contents(folder / "outcome");
  }
  /// The process that executes this file, if it runs.
  std::string program_of(pid_t pid) const {
    std::error_code ignored;
    auto arguments = contents("/proc/" + std::to_string(pid) + "/cmdline");
    return arguments.substr(0, arguments.find('\0'));
  }
  int server_in_file() const { return std::atoi(contents(options.run_dir / "server.pid").c_str()); }
};

} // namespace

TEST_F(heart_upgrade_test, the_new_program_serves_and_the_old_one_ends) {
  start_and_serve();
  const auto old = server;
  EXPECT_EQ(get(port, "/beside").body(), "no");
  ask(newer());
  const auto told = outcome();
  server = server_in_file();
  EXPECT_EQ(told, "upgraded " + std::to_string(server));
  EXPECT_NE(server, old);
  EXPECT_EQ(program_of(server), newer());
  EXPECT_TRUE(eventually([&] { return gone(old) && field("leaving") == "[]"; }));
  EXPECT_EQ(get(port, "/").body(), std::to_string(server));
  EXPECT_EQ(get(port, "/beside").body(), "yes");
  EXPECT_EQ(field("server_pid"), std::to_string(server));
  EXPECT_EQ(field("program"), newer());
  EXPECT_EQ(field("result"), "done");
  EXPECT_EQ(field("restarts"), "0");
}

TEST_F(heart_upgrade_test, from_then_on_the_new_program_is_started_and_alone) {
  start_and_serve();
  ask(newer());
  ASSERT_THAT(outcome(), HasSubstr("upgraded"));
  server = server_in_file();
  kill(server, SIGKILL);
  successor();
  EXPECT_EQ(program_of(server), newer());
  EXPECT_EQ(get(port, "/beside").body(), "no");
}

TEST_F(heart_upgrade_test, ten_upgrades_under_load_lose_no_request) {
  start_and_serve();
  std::atomic<bool> enough = false;
  std::atomic<int> served = 0, refused = 0, lost = 0;
  std::vector<std::thread> visitors;
  for (int i = 0; i < 4; ++i)
    visitors.emplace_back([&] {
      while (!enough) {
        auto met = get(port, "/");
        ++(met.refused ? refused : met.status() == 200 ? served : lost);
      }
    });
  for (int i = 0; i < 10; ++i) {
    int before = served;
    EXPECT_TRUE(eventually([&] { return served >= before + 50; }));
    // One that drains accepts until it has heard of its end, and an order that it takes up is refused with what to do.
    std::string told;
    EXPECT_TRUE(eventually([&] {
      ask(newer());
      told = outcome();
      return told.find("has taken its place: ask again") == std::string::npos;
    }));
    EXPECT_THAT(told, HasSubstr("upgraded"));
  }
  enough = true;
  for (auto& each : visitors)
    each.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(lost, 0);
  server = server_in_file();
  EXPECT_TRUE(eventually([&] { return field("leaving") == "[]"; }));
}

// It was answered by silence: "the heart ended the upgrade without a word".
TEST_F(heart_upgrade_test, one_that_drains_is_told_to_ask_its_successor) {
  options.figures.stop_max = 3s;
  start_and_serve();
  const auto old = server;
  get(port, "/deaf"); // its SIGTERM does not end it
  ask(newer());
  ASSERT_THAT(outcome(), HasSubstr("upgraded"));
  // It still accepts: asked until it is the one who takes the order.
  EXPECT_TRUE(eventually([&] {
    ask(newer());
    return outcome().find("has taken its place: ask again") != std::string::npos;
  }));
  EXPECT_THAT(said(), HasSubstr("no upgrade: another server"));
  EXPECT_TRUE(eventually([&] { return gone(old); })) << "it is killed in the end";
}

TEST_F(heart_upgrade_test, a_new_program_that_dies_changes_nothing_and_its_last_words_are_told) {
  start_and_serve();
  for (auto [word, why] : {std::pair{"die", "exited with status 1 after"}, {"excuse", "there is no folder school"}}) {
    plan(word);
    ask(newer());
    const auto told = outcome();
    EXPECT_THAT(told, HasSubstr(why));
    EXPECT_THAT(told, HasSubstr("before it was ready"));
    EXPECT_EQ(get(port, "/").body(), std::to_string(server));
    EXPECT_EQ(server_in_file(), server);
    EXPECT_EQ(field("result"), "failed");
    EXPECT_THAT(field("program"), HasSubstr("heart_test_server"));
  }
  EXPECT_THAT(said(), HasSubstr("The old one serves on"));
  plan("serve");
  kill(server, SIGKILL);
  successor();
  EXPECT_NE(program_of(server), newer()) << "the program that failed is not the one to start again";
}

TEST_F(heart_upgrade_test, a_file_that_cannot_be_executed_is_told) {
  start_and_serve();
  ask("/nonexistent/lyceum");
  EXPECT_THAT(outcome(), HasSubstr("cannot execute /nonexistent/lyceum"));
  EXPECT_EQ(get(port, "/").body(), std::to_string(server));
}

TEST_F(heart_upgrade_test, a_new_program_that_never_gets_ready_is_given_up) {
  options.figures.upgrade_max = 300ms;
  start_and_serve();
  plan("mute");
  ask(newer());
  EXPECT_THAT(outcome(), HasSubstr("is not ready after 0.3 s"));
  EXPECT_EQ(get(port, "/").status(), 200);
  std::ifstream in(folder / "starts");
  std::string line, last;
  while (std::getline(in, line))
    last = line;
  std::istringstream words(last);
  long at = 0;
  pid_t heir = 0;
  words >> at >> heir;
  EXPECT_TRUE(eventually([&] { return gone(heir); })) << "it is still there";
  EXPECT_EQ(server_in_file(), server);
}

TEST_F(heart_upgrade_test, a_second_one_meanwhile_is_refused) {
  start_and_serve();
  plan("waits");
  ask(newer());
  ASSERT_TRUE(eventually([&] { return field("result") == "starting"; }));
  EXPECT_THAT(get(port, "/ask-again").body(), HasSubstr("another upgrade is under way"));
  EXPECT_EQ(get(port, "/").body(), std::to_string(server)) << "the old one serves alone until the new one is ready";
  std::ofstream(folder / "go") << "go";
  EXPECT_THAT(outcome(), HasSubstr("upgraded"));
  server = server_in_file();
}

TEST_F(heart_upgrade_test, an_old_server_that_dies_meanwhile_is_followed_by_the_new_one) {
  start_and_serve();
  plan("waits");
  ask(newer());
  ASSERT_TRUE(eventually([&] { return field("result") == "starting"; }));
  const auto old = server;
  kill(old, SIGKILL);
  ASSERT_TRUE(eventually([&] { return field("server_pid") != std::to_string(old) && server_in_file() != old; }));
  std::ofstream(folder / "go") << "go";
  ASSERT_TRUE(eventually([&] { return state() == "serving"; }));
  server = server_in_file();
  EXPECT_EQ(get(port, "/").body(), std::to_string(server));
  EXPECT_EQ(program_of(server), newer());
  EXPECT_EQ(starts().size(), 2u);
}

TEST_F(heart_upgrade_test, a_stop_meanwhile_ends_both) {
  start_and_serve();
  plan("waits");
  ask(newer());
  ASSERT_TRUE(eventually([&] { return field("result") == "starting" && starts().size() == 2; }));
  kill(heart, SIGTERM);
  EXPECT_EQ(ended(), 0);
  EXPECT_THAT(outcome(), HasSubstr("the server is being stopped"));
  EXPECT_TRUE(get(port, "/").refused);
}

TEST_F(heart_upgrade_test, both_end_with_their_heart) {
  start_and_serve();
  plan("waits");
  ask(newer());
  ASSERT_TRUE(eventually([&] { return starts().size() == 2; }));
  std::istringstream last(contents(folder / "starts").substr(contents(folder / "starts").find('\n') + 1));
  long at = 0;
  pid_t heir = 0;
  last >> at >> heir;
  ASSERT_GT(heir, 0);
  kill(heart, SIGKILL);
  EXPECT_EQ(ended(), 1000 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return gone(server) && gone(heir); }));
}

TEST_F(heart_upgrade_test, a_stop_waits_for_a_former_server_that_still_drains_and_a_second_one_does_not) {
  start_and_serve();
  const auto old = server;
  get(port, "/deaf"); // drains for ever
  ask(newer());
  ASSERT_THAT(outcome(), HasSubstr("upgraded"));
  server = server_in_file();
  ASSERT_TRUE(eventually([&] { return field("leaving") == "[" + std::to_string(old) + "]"; }));
  kill(heart, SIGTERM);
  EXPECT_TRUE(eventually([&] { return gone(server); }));
  EXPECT_EQ(waitpid(heart, nullptr, WNOHANG), 0) << "somebody is still being served";
  EXPECT_FALSE(gone(old));
  kill(heart, SIGTERM);
  EXPECT_EQ(ended(), 0);
  EXPECT_TRUE(eventually([&] { return gone(old); }));
}

TEST_F(heart_upgrade_test, a_former_server_that_does_not_end_is_killed) {
  options.figures.stop_max = 300ms;
  start_and_serve();
  const auto old = server;
  get(port, "/deaf");
  ask(newer());
  ASSERT_THAT(outcome(), HasSubstr("upgraded"));
  server = server_in_file();
  EXPECT_TRUE(eventually([&] { return gone(old); }));
  EXPECT_THAT(said(), HasSubstr("a former server (pid " + std::to_string(old) + ") does not end: SIGKILL"));
  EXPECT_EQ(get(port, "/").body(), std::to_string(server));
}

TEST_F(heart_upgrade_test, nobody_but_the_server_may_ask) {
  start_and_serve();
  auto line = contents(folder / "starts");
  auto path = line.substr(line.rfind(' ') + 1);
  path.pop_back();
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const auto got = notifier::from_environment().upgrade(newer(), 20s);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().detail, HasSubstr("without a word")); // what came with it was closed unread
  EXPECT_EQ(starts().size(), 1u);
  EXPECT_EQ(field("upgrade"), "null");
}

TEST_F(heart_upgrade_test, a_heart_that_follows_a_killed_one_waits_for_its_servers_port) {
  start_and_serve();
  options.listen = {{"127.0.0.1", static_cast<std::uint16_t>(port)}};
  get(port, "/deaf");
  kill(heart, SIGKILL);
  ASSERT_EQ(ended(), 1000 + SIGKILL);
  const auto old = server;
  start();
  ASSERT_TRUE(
      eventually([&] { return said().find("waits for the server of a heart that was killed") != std::string::npos; }));
  EXPECT_EQ(starts().size(), 1u) << "two servers on one folder";
  kill(old, SIGKILL);
  ASSERT_TRUE(eventually([&] { return field("heart_pid") == std::to_string(heart) && state() == "serving"; }));
  server = server_in_file();
  EXPECT_EQ(get(port, "/").body(), std::to_string(server));
}
