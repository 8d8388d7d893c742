// SPDX-License-Identifier: Apache-2.0
// The heart with a real child, killed in each way. Conditions are waited for with a deadline; figures are shortened.
#include "tests/supervision/heart/fixture.hpp"

using namespace lyceum::heart;
using namespace lyceum::heart::testing_heart;
using testing::HasSubstr;
using testing::Not;

TEST_F(heart_test, the_server_gets_every_socket_and_the_files_tell_who_runs) {
  options.listen.push_back({"127.0.0.1", 0});
  start_and_serve();
  EXPECT_THAT(contents(folder / "starts"), HasSubstr(" 4 @")) << "two addresses, two sockets each";
  EXPECT_EQ(contents(options.run_dir / "heart.pid"), std::to_string(heart) + "\n");
  EXPECT_EQ(contents(options.run_dir / "server.pid"), std::to_string(server) + "\n");
  EXPECT_EQ(field("server_pid"), std::to_string(server));
  EXPECT_EQ(field("restarts"), "0");
}

TEST_F(heart_test, ten_kills_under_load_refuse_no_connection) {
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
    ASSERT_TRUE(eventually([&] { return served >= before + 50; }));
    kill(server, SIGKILL);
    successor();
  }
  enough = true;
  for (auto& each : visitors)
    each.join();
  EXPECT_EQ(refused, 0);
  EXPECT_LE(lost, 10 * 4) << "more than the visitors who were being answered";
  EXPECT_EQ(field("restarts"), "10");
}

TEST_F(heart_test, a_segmentation_fault_is_told_and_mended) {
  start_and_serve();
  auto first = std::to_string(server);
  get(port, "/segv");
  successor();
  EXPECT_THAT(said(),
              testing::ContainsRegex("the server \\(pid " + first +
                                     "\\) was killed by SIGSEGV.* after .* s; started again at once, restart 1"));
  EXPECT_THAT(field("last_death"), HasSubstr("SIGSEGV"));
  EXPECT_THAT(get(port, "/last-death").body(), HasSubstr("was killed by SIGSEGV")) << "for the alert";
}

TEST_F(heart_test, an_exit_with_0_that_nobody_asked_for_is_a_death) {
  start_and_serve();
  get(port, "/exit-0");
  successor();
  EXPECT_THAT(said(), HasSubstr("exited with status 0"));
}

TEST_F(heart_test, silence_ends_in_sigabrt) {
  options.figures.silence_max = 2s;
  options.figures.kill_after = 10s;
  start_and_serve();
  auto gone = std::thread([&] { get(port, "/hang"); });
  EXPECT_TRUE(eventually([&] { return std::atoi(field("restarts").c_str()) >= 1; }));
  gone.join();
  EXPECT_THAT(said(), HasSubstr("has not beaten for 2 s: SIGABRT"));
  EXPECT_THAT(field("last_death"), HasSubstr("has not beaten for 2 s: "));
  EXPECT_THAT(said(), HasSubstr("was killed by SIGABRT"));
  successor();
}

TEST_F(heart_test, a_silent_server_that_ignores_sigabrt_is_killed) {
  options.figures.silence_max = 2s;
  options.figures.kill_after = 200ms;
  start_and_serve();
  auto gone = std::thread([&] { get(port, "/hang-deaf"); });
  EXPECT_TRUE(eventually([&] { return std::atoi(field("restarts").c_str()) >= 1; }));
  gone.join();
  EXPECT_THAT(said(), HasSubstr("does not end: SIGKILL"));
  EXPECT_THAT(said(), HasSubstr("was killed by SIGKILL"));
  successor();
}

TEST_F(heart_test, a_server_that_beats_lives_longer_than_the_silence_allowed) {
  options.figures.silence_max = 3s;
  start_and_serve();
  auto since = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - since < 7s)
    EXPECT_EQ(get(port, "/").body(), std::to_string(server));
  EXPECT_EQ(field("restarts"), "0");
}

TEST_F(heart_test, a_pause_of_the_whole_machine_is_nobodys_silence) {
  options.figures.silence_max = 4s;
  start_and_serve();
  const auto pass = [](int ms) { poll(nullptr, 0, ms); }; // time itself is what is waited for
  kill(server, SIGSTOP);
  kill(heart, SIGSTOP);
  pass(6000);
  kill(heart, SIGCONT);
  pass(200); // the heart looks at the clock before the server can beat
  kill(server, SIGCONT);
  EXPECT_EQ(get(port, "/").body(), std::to_string(server));
  EXPECT_EQ(field("restarts"), "0");
  EXPECT_THAT(said(), Not(HasSubstr("has not beaten")));
}

TEST_F(heart_test, a_server_that_never_gets_ready_is_killed) {
  options.figures.boot_max = 300ms;
  options.figures.backoff_unit = 10s;
  plan("mute");
  start();
  EXPECT_TRUE(eventually([&] { return field("restarts") == "2"; }));
  EXPECT_THAT(said(), HasSubstr("is not ready after 0.3 s: SIGABRT"));
}

TEST_F(heart_test, a_boot_loop_backs_off_and_visitors_get_the_static_503) {
  options.figures.backoff_unit = 300ms;
  plan("die");
  start();
  ASSERT_TRUE(eventually([&] { return std::atoi(field("deaths_in_a_row").c_str()) >= 2; }));
  port = bound_port();
  auto met = get(port, "/any?thing");
  EXPECT_EQ(met.status(), 503);
  EXPECT_THAT(met.answer, HasSubstr("\r\nRetry-After: "));
  EXPECT_THAT(met.body(), testing::EndsWith("</html>\n"));
  ASSERT_TRUE(eventually([&] { return starts().size() >= 5; }));
  auto at = starts();
  EXPECT_GE(at[2] - at[1], 300);
  EXPECT_GE(at[3] - at[2], 600);
  EXPECT_GE(at[4] - at[3], 1200);
  EXPECT_THAT(said(), HasSubstr("started again at once, restart 1"));
  EXPECT_THAT(said(), HasSubstr("exited with status 1 after"));
  EXPECT_THAT(said(), HasSubstr("before it was ready; started again in 0.6 s, restart 3. Visitors get 503 until then"));
  plan("serve");
  kill(heart, SIGHUP); // mended: no need to wait
  EXPECT_TRUE(eventually([&] { return state() == "serving"; }));
  EXPECT_EQ(get(port, "/").status(), 200);
}

TEST_F(heart_test, a_visitor_who_says_nothing_does_not_hold_up_the_others) {
  options.figures.backoff_unit = 10s;
  plan("die");
  start();
  ASSERT_TRUE(eventually([&] { return field("deaths_in_a_row") == "2"; }));
  port = bound_port();
  std::vector<int> silent;
  std::chrono::steady_clock::time_point last_came;
  for (int i = 0; i < 50; ++i) {
    last_came = std::chrono::steady_clock::now();
    silent.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(silent.back(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  EXPECT_EQ(get(port, "/").status(), 503);
  char byte;
  auto closed = recv(silent.back(), &byte, 1, MSG_DONTWAIT) == 0;
  if (std::chrono::steady_clock::now() - last_came < 900ms) { // each has a second, which a busy machine lets go by
    EXPECT_FALSE(closed) << "the last of them still has time to ask";
  }
  for (int fd : silent) {
    EXPECT_EQ(recv(fd, &byte, 1, 0), 0) << "each is closed in the end";
    close(fd);
  }
}

TEST_F(heart_test, a_death_just_after_ready_is_a_boot_loop_too) {
  options.figures.young = 10s;
  options.figures.backoff_unit = 10s;
  plan("quick");
  start();
  EXPECT_TRUE(eventually([&] { return field("deaths_in_a_row") == "2"; }));
  EXPECT_THAT(said(), HasSubstr("just after it was ready; started again in 10 s"));
}

TEST_F(heart_test, a_usage_error_at_the_first_start_ends_the_heart_with_its_status) {
  plan("status-2");
  start();
  EXPECT_EQ(ended(), 2);
  EXPECT_EQ(starts().size(), 1u);
  EXPECT_FALSE(fs::exists(options.run_dir / "server.pid"));
}

TEST_F(heart_test, a_usage_error_later_is_a_boot_loop) {
  options.figures.backoff_unit = 50ms;
  start_and_serve();
  plan("status-2");
  get(port, "/kill");
  ASSERT_TRUE(eventually([&] { return starts().size() >= 4; }));
  plan("serve");
  EXPECT_TRUE(eventually([&] { return state() == "serving"; }));
}

TEST_F(heart_test, a_program_that_cannot_be_executed_ends_the_heart) {
  options.server = {"/nonexistent/lyceum"};
  start();
  EXPECT_EQ(ended(), 1);
  EXPECT_THAT(said(), HasSubstr("cannot execute /nonexistent/lyceum"));
}

TEST_F(heart_test, an_ordered_stop_is_final_and_its_status_is_passed_on) {
  for (int signal : {SIGTERM, SIGINT}) {
    start_and_serve();
    kill(heart, signal);
    EXPECT_EQ(ended(), 0);
    EXPECT_NE(kill(server, 0), 0);
    EXPECT_EQ(state(), "stopped");
    EXPECT_FALSE(fs::exists(options.run_dir / "heart.pid"));
    EXPECT_FALSE(fs::exists(options.run_dir / "listen.json"));
    EXPECT_TRUE(get(port, "/").refused);
  }
}

TEST_F(heart_test, a_server_that_stops_in_good_order_by_itself_is_not_started_again) {
  start_and_serve();
  get(port, "/stop");
  EXPECT_EQ(ended(), 0);
}

TEST_F(heart_test, a_second_signal_kills) {
  start_and_serve();
  get(port, "/deaf");
  kill(heart, SIGTERM);
  ASSERT_TRUE(eventually([&] { return state() == "stopping"; }));
  EXPECT_EQ(waitpid(heart, nullptr, WNOHANG), 0);
  kill(heart, SIGTERM);
  EXPECT_EQ(ended(), 128 + SIGKILL);
}

TEST_F(heart_test, a_stop_that_takes_too_long_is_cut) {
  options.figures.stop_max = 200ms;
  start_and_serve();
  get(port, "/deaf");
  kill(heart, SIGTERM);
  EXPECT_EQ(ended(), 128 + SIGKILL);
}

TEST_F(heart_test, a_stop_between_two_starts_ends_at_once) {
  options.figures.backoff_unit = 10s;
  plan("die");
  start();
  ASSERT_TRUE(eventually([&] { return field("deaths_in_a_row") == "2"; }));
  kill(heart, SIGTERM);
  EXPECT_EQ(ended(), 0);
}

TEST_F(heart_test, sighup_is_passed_on) {
  start_and_serve();
  kill(heart, SIGHUP);
  EXPECT_TRUE(eventually([&] { return get(port, "/reloads").body() == "1"; }));
}

TEST_F(heart_test, without_its_heart_the_server_ends) {
  start_and_serve();
  kill(heart, SIGKILL);
  EXPECT_EQ(ended(), 1000 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return get(port, "/").refused; }));
}

TEST_F(heart_test, a_used_port_is_a_clear_error) {
  auto taken = open_sockets({{"127.0.0.1", 0}}, 1, 1);
  ASSERT_TRUE(taken);
  options.listen = {taken->front().bound};
  start();
  EXPECT_EQ(ended(), 1);
  EXPECT_THAT(said(), HasSubstr("cannot listen on " + taken->front().bound.text() + ": the port is in use"));
  close(taken->front().fd);
}

TEST_F(heart_test, a_second_heart_in_the_same_folder_is_refused) {
  start_and_serve();
  auto first = std::exchange(heart, 0);
  start();
  EXPECT_EQ(ended(), 1);
  EXPECT_THAT(said(), HasSubstr("another lyceum (pid " + std::to_string(first) + ")"));
  heart = first;
  EXPECT_EQ(get(port, "/").status(), 200);
}

TEST_F(heart_test, a_strangers_ready_is_not_believed) {
  plan("mute");
  start();
  ASSERT_TRUE(eventually([&] { return starts().size() == 1; }));
  auto line = contents(folder / "starts");
  auto path = line.substr(line.rfind(' ') + 1);
  path.pop_back();
  ASSERT_EQ(path.front(), '@');
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path);
  to.sun_path[0] = '\0';
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  ASSERT_EQ(sendto(fd, "READY=1", 7, 0, reinterpret_cast<sockaddr*>(&to), size), 7);
  close(fd);
  // The heart has dealt with it once it has dealt with what came after: a signal that it passes on.
  port = bound_port();
  kill(heart, SIGHUP);
  ASSERT_TRUE(eventually([&] { return get(port, "/reloads").body() == "1"; }));
  EXPECT_EQ(state(), "booting");
}
